"""The options of the commands, each declared once as a field of `Options`; `takes` gives a command the ones that it names."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, get_type_hints

import typer

from cmkctl.azure.clouds import Cloud

CONNECTION: Final = "Connection"
OUTPUT: Final = "Output"
CHECKS: Final = "Checks"
DEFAULT_PROFILE: Final = Path("cmkctl.yaml")
STANDARD_STREAM: Final = Path("-")
"""Standard input where a file is read, standard output where one is written."""


class Auth(StrEnum):
    """The ways to sign in."""

    CLI = "cli"
    ENVIRONMENT = "environment"
    MANAGED_IDENTITY = "managed-identity"
    WORKLOAD = "workload"
    DEVICE = "device"
    BROWSER = "browser"


class Part(StrEnum):
    """The two parts of a plan when duties are split."""

    ADMIN = "admin"
    REST = "rest"


def _duration(text: str) -> float:
    """Seconds from ``90s``, ``45m``, ``1h30m`` or a plain number of seconds."""
    found = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?", text)
    if not text or found is None:
        raise typer.BadParameter(f"{text!r} is not a duration; for example 90s, 45m or 1h30m")
    hours, minutes, seconds = (int(each or 0) for each in found.groups())
    if not hours + minutes + seconds:
        raise typer.BadParameter("a timeout must be longer than 0 s")
    return float(hours * 3600 + minutes * 60 + seconds)


def _key_version(text: str) -> str:
    """Return the version of a key in lower case. A whole key identifier is taken apart."""
    version = text.rstrip("/").rpartition("/")[2]
    if not re.fullmatch(r"[0-9a-fA-F]{32}", version):
        raise typer.BadParameter(f"{text!r} is not the version of a key: 32 hexadecimal digits")
    return version.lower()


def _code(text: str) -> str:
    """Return a diagnostic code in upper case."""
    if not re.fullmatch(r"CMK\d{3}", text.upper()):
        raise typer.BadParameter(f"{text!r} is not a diagnostic code, such as CMK107; cmkctl explain lists them")
    from cmkctl.checks import IGNORABLE  # noqa: PLC0415 - only --ignore needs the rules

    if text.upper() not in IGNORABLE:
        raise typer.BadParameter(f"findings with code {text.upper()} cannot be ignored, only those of preflight rules")
    return text.upper()


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line of one run, apart from the command itself."""

    profile: Annotated[
        Path | None,
        typer.Argument(
            metavar="PROFILE",
            envvar="CMKCTL_PROFILE",
            help="The profile, a YAML file. `-` is standard input. Default: cmkctl.yaml.",
        ),
    ] = None
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="PROFILE",
            envvar="CMKCTL_PROFILE",
            help="The profile, or a plan that `cmkctl plan --out` saved. `-` is standard input. Default: cmkctl.yaml.",
        ),
    ] = None
    saved: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="A plan that `cmkctl plan --out` saved. `-` is standard input."),
    ] = None
    surveyed: Annotated[
        Path | None,
        typer.Argument(
            metavar="[PROFILE]",
            help="A profile: its workspace, and the resources that it names. `-` is standard input.",
        ),
    ] = None
    overrides: Annotated[
        list[str],
        typer.Option(
            "--set", metavar="FIELD=VALUE", help="Override one field of the profile, such as key.size=4096. Repeatable."
        ),
    ] = field(default_factory=list)
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Apply without asking.")] = False
    yes_revoke: Annotated[
        str | None,
        typer.Option("--yes-revoke", metavar="NAME", help="Revoke without asking. NAME is the name of the workspace."),
    ] = None
    new_version: Annotated[
        bool, typer.Option("--new-version", help="Make a new version of the key, even if a newer one is waiting.")
    ] = False
    to_version: Annotated[
        str | None,
        typer.Option(
            "--to-version", metavar="VERSION", parser=_key_version, help="Take this version of the key, which exists."
        ),
    ] = None
    key: Annotated[
        str | None,
        typer.Option(
            "--key", metavar="NAME", help="Take this key of the same vault. It is created where it does not exist."
        ),
    ] = None
    again: Annotated[
        bool, typer.Option("--again", help="Rotate, although a rotation of the last hour may still take effect.")
    ] = False
    due: Annotated[
        bool,
        typer.Option("--due", help="Rotate only if it is due: by a newer version, the rotation policy or an expiry."),
    ] = False
    retire_old: Annotated[
        bool,
        typer.Option(
            "--retire-old", help="Disable the versions older than the one in use; after 24 h at the earliest."
        ),
    ] = False
    grant: Annotated[
        bool,
        typer.Option("--grant", help="Leave the key enabled, and take the access to it away."),
    ] = False
    purge: Annotated[
        bool, typer.Option("--purge", help="Delete the workspace for good, also one that is soft-deleted already.")
    ] = False
    associated: Annotated[
        bool,
        typer.Option("--associated", help="Also delete the associated resources that cmkctl created, with their data."),
    ] = False
    delete_key: Annotated[
        bool, typer.Option("--delete-key", help="Also delete the key. It can be recovered; cmkctl purges no key.")
    ] = False
    delete_vault: Annotated[
        bool,
        typer.Option(
            "--delete-vault", help="Also delete the vault with the key. It can be recovered; cmkctl purges no vault."
        ),
    ] = False
    resources: Annotated[
        list[str],
        typer.Option(
            "--resource",
            metavar="ID",
            help="Also put the key on this resource, by its ARM id. The profile need not name it. Repeatable.",
        ),
    ] = field(default_factory=list)
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and change nothing.")] = False
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with 2 when there are changes.")
    ] = False
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Save the plan for a later `cmkctl apply FILE`.")
    ] = None
    workspace: Annotated[str | None, typer.Option("--workspace", metavar="ID", help="The ARM id of a workspace.")] = (
        None
    )
    key_url: Annotated[
        str | None, typer.Option("--key", metavar="URL", help="A key identifier, https://VAULT/keys/NAME[/VERSION].")
    ] = None
    vault: Annotated[str | None, typer.Option("--vault", metavar="ID", help="The ARM id of a key vault.")] = None
    resource_group: Annotated[
        str | None,
        typer.Option(
            "--resource-group", metavar="NAME", help="All workspaces of a resource group: one profile for each."
        ),
    ] = None
    surveyed_group: Annotated[
        str | None,
        typer.Option(
            "--resource-group", metavar="NAME", help="Everything in a resource group, and around its workspaces."
        ),
    ] = None
    deep: Annotated[
        bool,
        typer.Option(
            "--deep",
            help="Also read what Resource Graph lacks, for more than 20 workspaces: several requests for each resource.",
        ),
    ] = False
    origin: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="An az ml workspace YAML, or the JSON of terraform show -json. Needs no Azure.",
        ),
    ] = None
    destination: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", help="The file to write; a folder for several. Default: standard output."
        ),
    ] = None
    subscription: Annotated[
        str | None,
        typer.Option(
            "--subscription",
            metavar="ID",
            envvar="AZURE_SUBSCRIPTION_ID",
            rich_help_panel=CONNECTION,
            help="The subscription, where no id names one.",
        ),
    ] = None
    expect: Annotated[
        Path | None,
        typer.Option(
            "--expect",
            metavar="FILE",
            help="Compare with the expectations in FILE, not with the profile's section posture. Exit with 2 when not met.",
        ),
    ] = None
    used_key: Annotated[
        str | None,
        typer.Option("--key", metavar="URL", help="Show what uses this key: https://VAULT/keys/NAME[/VERSION]."),
    ] = None
    subscriptions: Annotated[
        list[str],
        typer.Option(
            "--subscription",
            metavar="ID",
            rich_help_panel=CONNECTION,
            help="A subscription. Repeatable. Default: AZURE_SUBSCRIPTION_ID, else the az CLI's current one.",
        ),
    ] = field(default_factory=list)
    cloud: Annotated[
        Cloud, typer.Option("--cloud", metavar="NAME", rich_help_panel=CONNECTION, help=f"{', '.join(Cloud)}.")
    ] = Cloud.AZURE
    sandbox: Annotated[
        bool,
        typer.Option(
            "--sandbox", rich_help_panel=CONNECTION, help="Run against the embedded sandbox instead of Azure."
        ),
    ] = False
    state: Annotated[
        Path | None,
        typer.Option(
            "--state", metavar="FILE", rich_help_panel=CONNECTION, help="With --sandbox: the file that holds its state."
        ),
    ] = None
    auth: Annotated[
        Auth | None,
        typer.Option(
            "--auth",
            metavar="METHOD",
            envvar="CMKCTL_AUTH",
            rich_help_panel=CONNECTION,
            help=f"How to sign in: {', '.join(Auth)}. Default: azure-identity's default chain.",
        ),
    ] = None
    timeout: Annotated[
        float | None,
        typer.Option(
            "--timeout",
            metavar="DURATION",
            envvar="CMKCTL_TIMEOUT",
            parser=_duration,
            rich_help_panel=CONNECTION,
            help="Stop waiting after this long (90s, 45m, 1h30m). Operations continue in Azure.",
        ),
    ] = None
    record: Annotated[
        Path | None,
        typer.Option(
            "--record",
            metavar="FILE",
            rich_help_panel=CONNECTION,
            help="Write the HTTP exchanges, redacted, to a tape.",
        ),
    ] = None
    replay: Annotated[
        Path | None,
        typer.Option(
            "--replay",
            metavar="FILE",
            rich_help_panel=CONNECTION,
            help="Take the responses from a tape, without a network.",
        ),
    ] = None
    ignore: Annotated[
        list[str],
        typer.Option(
            "--ignore",
            metavar="CODE",
            parser=_code,
            rich_help_panel=CHECKS,
            help="Show findings with this code as notes. Repeatable.",
        ),
    ] = field(default_factory=list)
    strict: Annotated[bool, typer.Option("--strict", rich_help_panel=CHECKS, help="Treat warnings as errors.")] = False
    complete: Annotated[
        bool,
        typer.Option(
            "--strict",
            rich_help_panel=CHECKS,
            help="Exit with 4 when something was not visible, or an expected resource was not found.",
        ),
    ] = False
    diagnose: Annotated[
        bool,
        typer.Option(
            "--diagnose",
            rich_help_panel=CHECKS,
            help="Also have Azure Machine Learning diagnose the workspace. Nothing is changed.",
        ),
    ] = False
    expiry_days: Annotated[
        int,
        typer.Option(
            "--expiry-days",
            metavar="N",
            min=1,
            max=36500,
            rich_help_panel=CHECKS,
            help="Warn of key versions that expire within N days.",
        ),
    ] = 30
    part: Annotated[
        Part | None,
        typer.Option(
            "--part",
            metavar="PART",
            help="admin: print the az commands that need an administrator. rest: refuse unless these were run.",
        ),
    ] = None
    validate: Annotated[
        bool,
        typer.Option(
            "--validate",
            rich_help_panel=CHECKS,
            help="Have Azure validate the plan as an ARM template. Nothing is written.",
        ),
    ] = False
    no_validate: Annotated[
        bool,
        typer.Option("--no-validate", rich_help_panel=CHECKS, help="Do not have Azure validate the plan beforehand."),
    ] = False
    json: Annotated[
        bool,
        typer.Option(
            "--json", rich_help_panel=OUTPUT, help="Write JSON lines to standard output, and nothing else there."
        ),
    ] = False
    requests: Annotated[
        bool, typer.Option("--requests", rich_help_panel=OUTPUT, help="Also show every request with its body.")
    ] = False
    report: Annotated[
        Path | None,
        typer.Option(
            "--report",
            metavar="FILE",
            rich_help_panel=OUTPUT,
            help="Write a report with every request, redacted, as JSON.",
        ),
    ] = None
    junit: Annotated[
        Path | None,
        typer.Option(
            "--junit",
            metavar="FILE",
            rich_help_panel=OUTPUT,
            help="Write a JUnit report, for CI systems.",
        ),
    ] = None
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            metavar="FILE",
            rich_help_panel=OUTPUT,
            help="Write one self-contained page, with a picture of the keys.",
        ),
    ] = None
    sarif: Annotated[
        Path | None,
        typer.Option(
            "--sarif",
            metavar="FILE",
            rich_help_panel=OUTPUT,
            help="Write what needs attention as SARIF 2.1.0, for code scanning.",
        ),
    ] = None
    ocsf: Annotated[
        Path | None,
        typer.Option(
            "--ocsf",
            metavar="FILE",
            rich_help_panel=OUTPUT,
            help="Write OCSF Compliance Findings (2003), as JSON, for a security lake.",
        ),
    ] = None
    csv: Annotated[
        Path | None,
        typer.Option(
            "--csv",
            metavar="FILE",
            rich_help_panel=OUTPUT,
            help="Write a row for each resource and question, for a spreadsheet.",
        ),
    ] = None
    evidence: Annotated[
        bool,
        typer.Option(
            "--evidence",
            rich_help_panel=OUTPUT,
            help="Also show the evidence and the rules of other tools for each resource.",
        ),
    ] = False
    no_color: Annotated[
        bool, typer.Option("--no-color", rich_help_panel=OUTPUT, help="Print without colours and live lines.")
    ] = False
    debug: Annotated[
        bool,
        typer.Option(
            "--debug",
            rich_help_panel=OUTPUT,
            help="Log HTTP requests and responses to standard error, redacted.",
        ),
    ] = False

    @property
    def path(self) -> Path:
        """The profile or plan file that the command works on."""
        return self.profile or self.file or self.saved or self.surveyed or DEFAULT_PROFILE

    @property
    def approved_name(self) -> str | None:
        """The name that approves a plan which a plain yes does not approve."""
        return self.yes_revoke


CONNECTING: Final = ("overrides", "sandbox", "state", "auth", "timeout", "record", "replay")
"""The options of every command that connects to Azure."""
REPORTING: Final = ("json", "report", "no_color", "debug")
"""The options of every command that shows a run."""
SURVEY_FILES: Final = ("html", "sarif", "ocsf", "junit", "csv")
"""The options of the files in which a survey can be written."""


def takes(*names: str) -> Callable[[Callable[[Options], int]], Callable[..., int]]:
    """Give a command the options with these names, as one `Options` value."""
    hints = get_type_hints(Options, include_extras=True)
    declared = {each.name: each for each in fields(Options)}

    def decorate(body: Callable[[Options], int]) -> Callable[..., int]:
        def command(**given: Any) -> int:
            return body(Options(**given))

        parameters = [
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=_default(declared[name]), annotation=hints[name]
            )
            for name in names
        ]
        command.__name__, command.__doc__ = body.__name__, body.__doc__
        command.__annotations__ = {name: hints[name] for name in names}
        vars(command)["__signature__"] = inspect.Signature(parameters, return_annotation=int)
        return command

    return decorate


_REQUIRED: Final = frozenset({"saved"})


def _default(declared: Any) -> Any:
    if declared.name in _REQUIRED:
        return inspect.Parameter.empty
    return declared.default if declared.default is not MISSING else declared.default_factory()

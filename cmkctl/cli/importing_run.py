"""The work of ``cmkctl import``: which workspaces, from where, into which files."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from cmkctl import codes
from cmkctl.azure.az_cli import subscription_of_az
from cmkctl.azure.clouds import ENDPOINTS, Cloud
from cmkctl.azure.compare import same_word
from cmkctl.azure.ids import KeyIdentifier, ResourceId
from cmkctl.azure.redaction import Redactor
from cmkctl.cli import PROGRAM
from cmkctl.cli.connection import Target
from cmkctl.cli.exits import DONE, FAILED, USAGE
from cmkctl.cli.files import refuse_to_overwrite
from cmkctl.cli.options import STANDARD_STREAM, Options
from cmkctl.cli.run import Opened, run_at
from cmkctl.clock import SystemClock
from cmkctl.diagnostics import CmkctlError, Diagnostic, ProfileError, Severity
from cmkctl.engine import make_plan
from cmkctl.files import unwritable_remedy, write_new
from cmkctl.importing.check import Imported, imported
from cmkctl.importing.found import Found
from cmkctl.importing.read import (
    WORKSPACES,
    find_vault,
    keys_of,
    list_subscriptions,
    list_workspaces,
    read_key,
    read_workspace,
    using_key,
)
from cmkctl.importing.words import parsed
from cmkctl.plan import Action, Plan
from cmkctl.profile.model import Profile
from cmkctl.views import View, make_view
from cmkctl.views.redacting import RedactingView
from cmkctl.views.shown import DiagnosticsShown, ProfileWritten, RunEnded

_WAYS: Final = ("--workspace ID", "--key URL", "--vault ID", "--resource-group NAME", "--from FILE")
_GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Selection:
    """The resource to import: one of the ways to name it, with the parts of its value."""

    workspace: ResourceId | None = None
    vault: ResourceId | None = None
    key: KeyIdentifier | None = None
    cloud: Cloud = Cloud.AZURE
    subscription: str = ""


def import_profiles(options: Options) -> int:
    """Write the profiles of what the command line names. Returns the exit code."""
    if options.origin is not None:
        return _offline(options, options.origin)
    view = _view(options)
    try:
        selection = _selection(options)
        _check_destination(options.destination, several=options.resource_group is not None)
    except CmkctlError as error:
        view.show(DiagnosticsShown(error.diagnostics))
        view.show(RunEnded(USAGE))
        return USAGE
    return run_at(options, partial(_from_azure, options, selection), partial(_target, options, selection))


def _view(options: Options) -> View:
    color = False if options.no_color else None
    inner = make_view(json=options.json, stdout=sys.stdout, stderr=sys.stderr, color=color, sandbox=options.sandbox)
    return RedactingView(Redactor.for_display(os.environ), inner)


# --- the command line


def _selection(options: Options) -> _Selection:
    """Return what the command line names. Raises ProfileError CMK008 for none or several ways, or an invalid value."""
    given = [
        each for each in (options.workspace, options.key_url, options.vault, options.resource_group) if each is not None
    ]
    if len(given) != 1:
        several = "Several ways of naming what to import are given." if given else "Nothing names what to import."
        raise _usage(several, f"Give one of {', '.join(_WAYS)}.")
    if options.workspace is not None:
        return _of(options, workspace=_id_of(options.workspace, WORKSPACES, "--workspace"))
    if options.vault is not None:
        return _of(options, vault=_id_of(options.vault, "Microsoft.KeyVault/vaults", "--vault"))
    if options.key_url is None:
        return _of(options)
    try:
        key = KeyIdentifier.parse(options.key_url)
    except ValueError:
        raise _usage(
            f"--key is {options.key_url!r}.", "Give a key identifier: https://VAULT/keys/NAME/VERSION"
        ) from None
    cloud = next((each for each in Cloud if key.host.endswith(f".{_vault_host(each)}")), options.cloud)
    return _Selection(key=key, cloud=cloud, subscription=_subscription(options))


def _vault_host(cloud: Cloud) -> str:
    return ENDPOINTS[cloud].vault_scope.removeprefix("https://").partition("/")[0]


def _of(options: Options, workspace: ResourceId | None = None, vault: ResourceId | None = None) -> _Selection:
    named = workspace or vault
    subscription = named.subscription.lower() if named else _subscription(options)
    return _Selection(workspace, vault, None, options.cloud, subscription)


def _id_of(text: str, wanted: str, option: str) -> ResourceId:
    found = parsed(text.strip())
    if found is None or not same_word(found.type, wanted) or not _GUID.fullmatch(found.subscription):
        form = f"/subscriptions/ID/resourceGroups/GROUP/providers/{wanted}/NAME"
        raise _usage(f"{option} is {text!r}, which is no ARM id of that type.", f"Give {form}")
    return found


def _subscription(options: Options) -> str:
    text = (options.subscription or "").strip().lower()
    if text and not _GUID.fullmatch(text):
        raise _usage(f"--subscription is {text!r}, which is no GUID.", "List yours with: az account list -o table")
    return text


def _usage(detail: str, remedy: str) -> ProfileError:
    return ProfileError(codes.CMK008.error(detail, remedy))


def _check_destination(destination: Path | None, *, several: bool) -> None:
    """Raise CmkctlError CMK675 for a file that exists, before the first request."""
    if destination is None or destination == STANDARD_STREAM or (several and not destination.is_file()):
        return
    if destination.exists() or destination.is_symlink():
        raise CmkctlError(_exists(destination))
    if not destination.parent.is_dir():
        detail = f"{destination}: there is no folder {destination.parent}."
        raise CmkctlError(codes.CMK675.error(detail, unwritable_remedy("--out", destination), subject=str(destination)))


def _exists(path: Path) -> Diagnostic:
    return codes.CMK675.error(
        f"{path} already exists; not overwritten.", "Give --out a different file.", subject=str(path)
    )


def _target(options: Options, selection: _Selection) -> Target:
    """Return the target. The sandbox's subscription is in the environment once the sandbox runs."""
    named = os.environ.get("AZURE_SUBSCRIPTION_ID", "") if options.sandbox else subscription_of_az(os.environ)
    return Target(selection.cloud, selection.subscription or named)


# --- from Azure


def _from_azure(options: Options, selection: _Selection, opened: Opened) -> int:
    session = opened.session
    if not session.subscription:
        session.subscription = _only_subscription(opened)
    refused: list[Diagnostic] = []
    made: list[Imported] = []
    names = _names(options)
    for found in _found(options, selection, opened, refused):
        try:
            made.append(_imported(opened, found, next(names, "")))
        except CmkctlError as error:
            if options.resource_group is None:
                raise
            refused += error.diagnostics
    opened.show_context()
    if refused and made:  # those that a profile describes are written all the same
        refused = [each.declared.warning(each.detail, each.remedy, each.subject) for each in refused]
    if refused:
        opened.show(DiagnosticsShown(tuple(refused)))
    if not made:
        return FAILED
    return _write(opened.view, options, made)


def _names(options: Options) -> Iterator[str]:
    """Yield the name of the file for the places of notes; nothing for standard output."""
    if options.destination and options.destination != STANDARD_STREAM and options.resource_group is None:
        yield str(options.destination)


def _imported(opened: Opened, found: Found, name: str) -> Imported:
    def planner(profile: Profile) -> Plan:
        from cmkctl.procedures.create import CREATE  # noqa: PLC0415 - not for a key without workspaces

        return make_plan(opened.session, profile, CREATE)

    return imported(found, planner, opened.session.clock.now().date(), name)


def _found(options: Options, selection: _Selection, opened: Opened, refused: list[Diagnostic]) -> Iterator[Found]:
    """Yield what was found for the command line. A workspace of a group that is not encrypted goes to `refused`."""
    azure, cloud = opened.session.snapshot(), selection.cloud
    if selection.workspace is not None:
        yield read_workspace(azure, cloud, str(selection.workspace))
    elif options.resource_group is not None:
        rows = list_workspaces(azure, opened.session.subscription, options.resource_group)
        # A project is in the profile of its hub.
        ids = [str(each.get("id")) for each in rows if not same_word(str(each.get("kind")), "Project")]
        if not ids:
            where = f"resource group {options.resource_group} of subscription {opened.session.subscription}"
            raise CmkctlError(codes.CMK670.error(f"There is no workspace in {where}."))
        _one_or_a_folder(options, ids)
        for each in ids:
            try:
                yield read_workspace(azure, cloud, each)
            except CmkctlError as error:
                refused += error.diagnostics
    else:
        yield _of_key(options, selection, opened)


def _of_key(options: Options, selection: _Selection, opened: Opened) -> Found:
    """Return the workspace that uses a vault or key; the vault and key alone where none does."""
    azure, subscription = opened.session.snapshot(), opened.session.subscription
    vault = (
        str(selection.vault)
        if selection.vault
        else find_vault(azure, subscription, selection.key.host if selection.key else "")
    )
    key = selection.key.name if selection.key else None
    ids = using_key(azure, subscription, vault, key)
    _one_or_a_folder(options, ids)
    if ids:
        return read_workspace(azure, selection.cloud, ids[0])
    if key is None:
        keys = keys_of(azure, vault)
        if len(keys) != 1:
            held = f"it has the keys {', '.join(keys)}" if keys else "it has no key"
            detail = f"No workspace of the subscription uses vault {vault}, and {held}."
            raise CmkctlError(codes.CMK670.error(detail, "Name the key: --key https://VAULT/keys/NAME", subject=vault))
        key = keys[0]
    return read_key(azure, selection.cloud, vault, key)


def _one_or_a_folder(options: Options, ids: Sequence[str]) -> None:
    """Raise CmkctlError CMK678 for several workspaces without a folder for their profiles."""
    folder = options.destination
    if len(ids) > 1 and (options.resource_group is None or folder is None or folder == STANDARD_STREAM):
        way = "" if options.resource_group is None else " Or name a folder for all of them: --out FOLDER"
        listed = "\n".join(f"--workspace {each}" for each in ids)
        raise CmkctlError(codes.CMK678.error(f"{len(ids)} workspaces match.{way}", f"Name one of them:\n{listed}"))


def _only_subscription(opened: Opened) -> str:
    """Return the only subscription that the account sees. Raises ProfileError CMK008 for none or several."""
    rows = list_subscriptions(opened.session)
    if len(rows) == 1:
        return next(iter(rows))
    listed = "\n".join(f"--subscription {each}  # {name}" for each, name in rows.items())
    seen = (
        "The signed-in account sees several subscriptions." if rows else "The signed-in account sees no subscription."
    )
    raise _usage(f"{seen} Nothing names the one to read.", f"Name it:\n{listed or '--subscription ID'}")


# --- from a file


def _offline(options: Options, origin: Path) -> int:
    view = _view(options)
    try:
        code = _write(view, options, _of_file(options, origin))
    except CmkctlError as error:
        view.show(DiagnosticsShown(error.diagnostics))
        code = USAGE if isinstance(error, ProfileError) else FAILED
    view.show(RunEnded(code))
    return code


def _of_file(options: Options, origin: Path) -> list[Imported]:
    """Return the profiles of a file. Raises CmkctlError as `read_file` does, and for a destination that does not fit."""
    from cmkctl.importing.files import read_file  # noqa: PLC0415 - only for a file

    if any(each is not None for each in (options.workspace, options.key_url, options.vault)):
        raise _usage("--from reads a file, and the other option names something in Azure.", "Give one of them.")
    refuse_to_overwrite(options)
    several = read_file(origin, options.cloud, _subscription(options), options.resource_group or "")
    _check_destination(options.destination, several=len(several) > 1)
    whole = options.destination is None or options.destination == STANDARD_STREAM
    if len(several) > 1 and whole:
        names = ", ".join(str(each.workspace.get("name")) for each in several)
        detail = f"{origin} holds {len(several)} workspaces: {names}."
        raise CmkctlError(codes.CMK678.error(detail, "Name a folder for all of them: --out FOLDER"))
    name = "" if whole or len(several) > 1 else str(options.destination)
    today = SystemClock().now().date()
    return [imported(each, None, today, name) for each in several]


# --- writing


def _write(view: View, options: Options, made: Sequence[Imported]) -> int:
    """Write the profiles: to standard output, to a file, or each to a file of a folder. No file is overwritten."""
    destination = options.destination
    notes = [note for each in made for note in each.notes]
    if destination is None or destination == STANDARD_STREAM:
        one = made[0]
        view.show(ProfileWritten("", _lines(one), one.workspace, "" if options.json else _conclusion(one)))
        view.show(DiagnosticsShown(tuple(notes)))
        return DONE
    files = [destination]
    if len(made) > 1 or destination.is_dir() or (options.resource_group is not None and options.origin is None):
        files = [destination / f"{_file_name(each)}.yaml" for each in made]
        existing = [each for each in files if each.exists()]
        if existing:
            raise CmkctlError(*map(_exists, existing))
    for file, each in zip(files, made, strict=True):
        _write_file(file, each.text)
        command = _plan_command(options, file)
        view.show(ProfileWritten(str(file), _lines(each), each.workspace, _conclusion(each), command))
    view.show(DiagnosticsShown(tuple(notes)))
    return DONE


def _lines(made: Imported) -> tuple[str, ...]:
    return tuple(made.text.removesuffix("\n").split("\n"))


def _file_name(made: Imported) -> str:
    return made.workspace.rpartition("/")[2] or "profile"


def _plan_command(options: Options, file: Path) -> str:
    """Return the command that plans the written profile, with the same target."""
    flags = ["--sandbox"] if options.sandbox else []
    flags += ["--state", str(options.state)] if options.state else []
    flags += ["--auth", options.auth.value] if options.auth else []
    return shlex.join((*PROGRAM.get(), "plan", str(file), *flags))


def _write_file(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(exist_ok=True)
        write_new(file, text)
    except FileExistsError:
        raise CmkctlError(_exists(file)) from None
    except OSError as error:
        detail = f"{file}: {error.strerror or error}."
        raise CmkctlError(codes.CMK675.error(detail, unwritable_remedy("--out", file), subject=str(file))) from error


def _conclusion(made: Imported) -> str:
    if made.plan is None:
        return "It was not compared with Azure."
    differing = [each for each in made.plan.changes if each.action is not Action.NO_OP]
    errors = [each for each in made.plan.diagnostics if each.severity is Severity.ERROR]
    if differing or errors:
        return f"{len(differing) + len(errors)} of its parts are not up to date: see the notes."
    return f"No changes: {len(made.plan.changes)} resources are up to date."

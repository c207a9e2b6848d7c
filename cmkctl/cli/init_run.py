"""The questions of ``cmkctl init``: what the subscription has is offered, and every answer is checked as a profile's field."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from textwrap import wrap
from typing import Any, Final, TextIO

import typer
from azure.core.exceptions import AzureError
from pydantic import TypeAdapter, ValidationError

from cmkctl import codes
from cmkctl.azure.clouds import Cloud
from cmkctl.azure.compare import same_location
from cmkctl.azure.session import Session
from cmkctl.cli import complain
from cmkctl.cli.connection import Target
from cmkctl.cli.exits import DONE, INTERRUPTED
from cmkctl.cli.init import write
from cmkctl.cli.options import STANDARD_STREAM, Auth, Options
from cmkctl.cli.run import Opened, run_at
from cmkctl.diagnostics import CmkctlError, Diagnostic, ProfileError
from cmkctl.foreign_text import safe
from cmkctl.importing.read import WORKSPACES, list_subscriptions, list_vaults
from cmkctl.importing.words import at, parsed
from cmkctl.profile import field_types
from cmkctl.profile.load import load_profile
from cmkctl.profile.writing import Draft, Variable
from cmkctl.views.shown import DiagnosticsShown
from cmkctl.views.streams import width_of

_PATIENCE: Final = 30.0
"""Seconds that the offers may take."""
_MOST: Final = 9
"""Offers in a list."""
_VARIABLE: Final = "${AZURE_SUBSCRIPTION_ID}"
_STAND_IN: Final = {"AZURE_SUBSCRIPTION_ID": "00000000-0000-0000-0000-000000000000"}
_PLACES: Final = ("in-subscription", "service-side")
_USUAL: Final = {
    "location": "eastus2",
    "resource_group": "rg-ml-prod",
    "workspace": "mlw-prod",
    "encryption": "in-subscription",
    "high_business_impact": "true",
}


@dataclass(frozen=True, slots=True)
class Connection:
    """The way to what is offered."""

    auth: Auth | None
    state: Path | None
    sandbox: bool


@dataclass
class Offers:
    """The offers: subscriptions by id with their names, and by subscription the regions and the vaults by id."""

    session: Session | None = None
    subscriptions: dict[str, str] = field(default_factory=dict)
    problem: Diagnostic | None = None

    def read(self, session: Session) -> None:
        """Read the subscriptions. What goes wrong is kept as `problem`, and nothing is offered."""
        self.session = session
        self.subscriptions = self._attempt(lambda: list_subscriptions(session), {})

    def regions(self, subscription: str) -> list[str]:
        """Return the regions with Azure Machine Learning, as display names; empty where they are not known."""
        azure = self._of(subscription)
        if azure is None:
            return []
        namespace, _, kind = WORKSPACES.partition("/")
        found = self._attempt(lambda: azure.snapshot().provider(namespace), None) or {}
        rows = [each for each in found.get("resourceTypes", ()) if each.get("resourceType") == kind]
        return sorted(place for each in rows for place in each.get("locations", ()))

    def vaults(self, subscription: str, location: str) -> list[str]:
        """Return the ids of the vaults that are fit for the key: in the region, with purge protection."""
        azure = self._of(subscription)
        if azure is None:
            return []
        rows = self._attempt(lambda: list_vaults(azure.snapshot(), subscription), [])
        fit = (each for each in rows if at(each, "properties.enablePurgeProtection") is True)
        return sorted(str(each["id"]) for each in fit if same_location(str(each.get("location")), location))

    def _of(self, subscription: str) -> Session | None:
        if self.session is None or self.problem is not None or subscription not in self.subscriptions:
            return None
        self.session.subscription = subscription
        return self.session

    def _attempt(self, read: Callable[[], Any], otherwise: Any) -> Any:
        if self.session is not None:  # the time in which a person answers does not count
            self.session.deadline = self.session.clock.elapsed() + _PATIENCE
        try:
            return read()
        except CmkctlError as error:
            self.problem = codes.CMK679.note(error.diagnostics[0].summary if error.diagnostics else str(error))
        except AzureError as error:
            self.problem = codes.CMK679.note(str(error).partition("\n")[0][:200])
        return otherwise


def init(path: Path, answers: Mapping[str, str], way: Connection, *, ask: bool) -> int:
    """Ask for what `answers` do not have, and write the profile. Without `ask` the usual values are taken."""
    if path != STANDARD_STREAM and (path.exists() or path.is_symlink()):
        return write(path, "")  # before the questions, not after them
    if not ask:
        return _write(path, _completed(answers))
    questions = _Questions(sys.stdin, sys.stderr, dict(answers))
    reached: list[bool] = []

    def body(opened: Opened) -> int:
        reached.append(True)
        offers = Offers()
        offers.read(opened.session)
        opened.view.__exit__(None, None, None)  # from here on its progress would be written into the questions
        if offers.problem:
            opened.show(DiagnosticsShown((offers.problem,)))
        questions.ask_all(offers)
        return DONE

    options = Options(auth=way.auth, sandbox=way.sandbox, state=way.state, timeout=_PATIENCE)
    code = run_at(options, body, lambda: Target(Cloud.AZURE))
    if code == INTERRUPTED or (reached and code != DONE):
        return code
    if not reached:  # the connection could not be opened, and the reason was shown
        questions.ask_all(Offers())
    return _write(path, questions.answers)


def _completed(answers: Mapping[str, str]) -> dict[str, str]:
    whole = {"subscription": _VARIABLE, **_USUAL, **answers}
    return {"vault": _vault_name(whole["workspace"]), "key": f"cmk-{whole['workspace']}".replace("_", "-"), **whole}


def _vault_name(workspace: str) -> str:
    """Return a name for the vault: a letter first, at most 24 characters, no two hyphens in a row."""
    kept = re.sub(r"-+", "-", re.sub(r"[^0-9A-Za-z]", "-", workspace))[:17].strip("-")
    return f"kv-{kept}-cmk"


def _write(path: Path, answers: Mapping[str, str]) -> int:
    """Compose the profile, load it as every command does, and write it."""
    text = _draft(answers).text().text
    try:
        with tempfile.TemporaryDirectory(prefix="cmkctl-") as folder:
            copy = Path(folder, "profile.yaml")
            copy.write_text(text, encoding="utf-8")
            load_profile(copy, environ=_STAND_IN)
    except ProfileError as error:
        details = " ".join(each.detail for each in error.diagnostics)
        return complain(details, ["init"], "cmkctl init", "Give a different value.")
    return write(path, text)


def _draft(answers: Mapping[str, str]) -> Draft:
    subscription, vault = answers["subscription"], answers["vault"]
    fixed = "fixed at creation"
    draft = Draft(
        {
            "subscription": Variable("AZURE_SUBSCRIPTION_ID") if subscription == _VARIABLE else subscription,
            "location": answers["location"],
            "resource_group": answers["resource_group"],
            "key_vault": {"id": vault} if parsed(vault) else {"name": vault, "soft_delete_days": 90},
            "key": {"name": answers["key"], "size": 3072},
            "workspace": {
                "name": answers["workspace"],
                "high_business_impact": answers["high_business_impact"] == "true",
                "encryption": answers["encryption"],
            },
        },
        top=[
            "A profile for cmkctl. Check it with cmkctl validate, rehearse it with cmkctl plan --sandbox.",
            "Every field: cmkctl explain key_vault, or docs/profiles.md",
        ],
        remarks={
            ("key_vault", "soft_delete_days"): f"{fixed}; the name of a deleted vault stays taken for this long",
            ("key", "size"): fixed,
            ("workspace", "name"): fixed,
            ("workspace", "high_business_impact"): f"{fixed}; Microsoft collects less diagnostic data",
            ("workspace", "encryption"): f"{fixed}; in-subscription adds Cosmos DB, search and storage to your bill",
        },
    )
    if parsed(vault):
        draft.comment(
            ("key_vault",), "A vault that exists: cmkctl adds the key and its grant, and changes nothing else."
        )
    else:
        draft.comment(("key_vault",), "Purge protection is always on. The name is unique in all of Azure.")
    return draft


_CHECKS: Final[Mapping[str, Any]] = {
    "subscription": field_types.Guid,
    "location": field_types.LocationName,
    "resource_group": field_types.GroupName,
    "workspace": field_types.WorkspaceName,
    "key": field_types.KeyName,
}


def _objection(name: str, answer: str) -> str:
    """Return what is wrong with an answer, empty for a right one."""
    if name == "subscription" and answer == _VARIABLE:
        return ""
    kind = _CHECKS.get(name) or (field_types.VaultId if answer.startswith("/") else field_types.VaultName)
    try:
        TypeAdapter(kind).validate_python(answer)
    except ValidationError as error:
        return str(error.errors(include_url=False)[0]["msg"]).removeprefix("Value error, ")
    return ""


@dataclass
class _Questions:
    """The questions on a terminal, on standard error: standard output may be the profile."""

    stdin: TextIO
    stderr: TextIO
    answers: dict[str, str]

    def ask_all(self, offers: Offers) -> None:
        """Ask for everything that is not answered yet."""
        self._print("Press Enter for the value in brackets. Ctrl-C ends without writing a file.")
        subscriptions = offers.subscriptions
        first = next(iter(subscriptions), _VARIABLE)
        self._choose("subscription", "Subscription", subscriptions, first)
        subscription = self.answers["subscription"]
        regions = {place.replace(" ", "").lower(): "" for place in offers.regions(subscription)}
        if regions:
            self._print(f"  Azure Machine Learning is in {len(regions)} regions of this subscription.")
        usual = _USUAL["location"]
        self._ask("location", "Region", usual if not regions or usual in regions else next(iter(regions)), set(regions))
        self._ask("resource_group", "Resource group, created if absent", _USUAL["resource_group"])
        self._ask("workspace", "Name of the new workspace", _USUAL["workspace"])
        new = _vault_name(self.answers["workspace"])
        fit = dict.fromkeys(offers.vaults(subscription, self.answers["location"]), "purge protection on")
        if fit:
            self._print(f"  1 is a new vault; the others are in {self.answers['location']} and fit for the key.")
        self._choose("vault", "Vault for the key", {new: "a new vault", **fit} if fit else {}, new)
        self._ask("key", "Name of the key, created if absent", f"cmk-{self.answers['workspace']}".replace("_", "-"))
        places = {_PLACES[0]: "metadata in your subscription, which you pay for", _PLACES[1]: "on Microsoft's side"}
        self._choose("encryption", "Place of the encrypted metadata", places, _PLACES[0], closed=True)
        impact = {"yes": "Microsoft collects less diagnostic data", "no": "the usual diagnostic data"}
        self._choose("high_business_impact", "High business impact", impact, "yes", closed=True)
        words = {"yes": "true", "no": "false"}
        self.answers["high_business_impact"] = words.get(
            self.answers["high_business_impact"], self.answers["high_business_impact"]
        )

    def _print(self, text: str) -> None:
        width = width_of(self.stderr, os.environ)
        indent = text[: len(text) - len(text.lstrip())]
        words = safe(text, one_line=True)
        lines = wrap(words, width, initial_indent=indent, subsequent_indent=f"{indent}   ", break_long_words=False)
        self.stderr.write("".join(f"{line}\n" for line in lines))

    def _choose(self, name: str, text: str, offered: Mapping[str, str], usual: str, *, closed: bool = False) -> None:
        """Ask for one of the offered values, by its number or itself; unless `closed`, any other value is taken as well."""
        if name in self.answers:
            return
        listed = list(offered.items())[:_MOST] if len(offered) > 1 or closed else []
        for number, (value, about) in enumerate(listed, start=1):
            self._print(f"  {number}  {safe(value, one_line=True)}{f'  {safe(about, one_line=True)}' if about else ''}")
        values = [value for value, _ in listed]

        def meaning(typed: str) -> str:
            return values[int(typed) - 1] if typed.isdecimal() and 0 < int(typed) <= len(values) else typed

        self._ask(name, text, usual, set(values) if closed else set(), meaning)

    def _ask(
        self,
        name: str,
        text: str,
        usual: str,
        known: set[str] | None = None,
        meaning: Callable[[str], str] = lambda typed: typed,
    ) -> None:
        """Ask until the answer is valid. `known` are the only valid answers, where there are any."""
        while name not in self.answers:
            self.stderr.write(f"{text} [{safe(usual, one_line=True)}]: ")
            self.stderr.flush()
            line = self.stdin.readline()
            if not line:  # the end of input
                self.stderr.write("\n")
                raise typer.Abort
            typed = meaning(line.strip() or usual)
            answer = typed.replace(" ", "").lower() if name == "location" else typed
            if known and answer not in known:
                near = get_close_matches(answer, known, n=3) or sorted(known)
                problem = f"{answer} is none of them. Nearest: {', '.join(near)}."
            else:
                problem = "" if known and name != "location" else _objection(name, answer)
            if problem:
                self._print(f"  {problem}")
            else:
                self.answers[name] = answer

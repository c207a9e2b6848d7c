"""The state a recording begins in: what is derived from it, and what is declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from contract_derive import caller, directory, presupposed
from contract_history import START
from contract_identifiers import Pairs
from contract_makers import Step, exists, time_passes
from contract_recordings import Rename, Scenario, read
from support.sandbox import Client

from cmkctl.sandbox import CLIENT_OBJECT_ID
from cmkctl.sandbox.server import Running


@dataclass(frozen=True)
class Start:
    """The part of a recording's start that the recording does not show.

    Attributes:
        why: the reason for everything declared here.
        rename: what the recording calls otherwise than the sandbox.
        before: what is arranged immediately before an exchange, by its number.

    """

    why: str = ""
    rename: Rename = field(default_factory=Rename)
    before: Mapping[int, Step] = field(default_factory=dict)


def read_from_start(name: str, start: Start) -> Scenario:
    """Return a recording in which the caller, where it shows one, is the sandbox's."""
    scenario = read(name, start.rename)
    found = None if scenario.apart else caller(scenario)
    if found is None:
        return scenario
    return read(name, replace(start.rename, anywhere={**start.rename.anywhere, found: CLIENT_OBJECT_ID}))


def arrange(running: Running, client: Client, scenario: Scenario, pairs: Pairs) -> dict[int, list[Step]]:
    """Put a new sandbox into the state the recording began in; return the steps that come before later exchanges."""
    running.state.register_provider()
    _fill_directory(running, client, scenario, pairs)
    later: dict[int, list[Step]] = {}
    for number, step in presupposed(scenario):
        if number == START:
            step(running, client)
        else:
            later.setdefault(number, []).append(step)
    time_passes(running, client)
    return later


def _fill_directory(running: Running, client: Client, scenario: Scenario, pairs: Pairs) -> None:
    """Add the service principals that the recorded directory has; those the sandbox makes by itself are paired."""
    with running.state.tenant.lock:
        own = {row["appId"]: object_id for object_id, row in running.state.tenant.table("principals").items()}
    for each in directory(scenario):
        if each.identity:
            exists(each.identity)(running, client)
            identity = running.state.resource(each.identity) or {}
            pairs.learn(each.object_id, identity["properties"]["principalId"])
            pairs.learn(each.app_id, identity["properties"]["clientId"])
        elif each.app_id in own:
            pairs.learn(each.object_id, own[each.app_id])
        else:
            running.state.add_principal(each.app_id, each.name, each.object_id)

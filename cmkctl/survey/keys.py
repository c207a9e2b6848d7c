"""The keys that a survey met: where they are, and their state. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.documents import at_path, text_at
from cmkctl.azure.ids import key_parts
from cmkctl.posture import Evidence, KeyState, Posture, Verdict
from cmkctl.survey.known import Known

MANY: Final = 20
"""The number of keys up to which a survey of many workspaces reads each of them."""


@dataclass(frozen=True, slots=True)
class KeyAnswer:
    """The answer to the read of a key: its document, or None, with the `obstacle` where it may be there but was not read."""

    document: ArmDocument | None
    obstacle: str = ""


def keys_of(postures: Iterable[Posture]) -> dict[str, None]:
    """Return the identifiers, without a version, of the keys that some postures and their parts name."""
    return {key: None for each in postures for key in _keys(each)}


def _keys(posture: Posture) -> Iterator[str]:
    if posture.key:
        yield posture.key.lower()
    for part in posture.parts:
        yield from _keys(part.posture)


def host_of(key: str) -> str:
    """Return the host of a key's vault."""
    return key.removeprefix("https://").partition("/")[0].lower()


def vault_of(known: Known, key: str, vaults: Mapping[str, str]) -> str:
    """Return the ARM id of a key's vault; empty where it is not known. A vault's name is the first label of its host.

    `vaults` are those around the workspaces, by name: some of them may not have been read yet.
    """
    host = host_of(key)
    return known.at_host(host) or vaults.get(host.partition(".")[0], "")


def state_of(key: str, vault: str, answers: Mapping[str, KeyAnswer]) -> KeyState:
    """Return the state of a key in a vault, from the answer to its read."""
    if not vault:
        return KeyState(key, reason=f"no resource with host {host_of(key)} is visible, so the key was not read")
    answer = answers.get(key)
    if answer is None:
        return KeyState(key, vault, reason="the key was not read")
    if answer.document is None:
        return KeyState(key, vault, reason=answer.obstacle or "there is no such key, or you may not see it")
    newest = key_parts(text_at(answer.document, "properties.keyUriWithVersion"))[1]
    enabled = at_path(answer.document, "properties.attributes.enabled")
    expires = at_path(answer.document, "properties.attributes.exp")
    return KeyState(
        key,
        vault,
        newest,
        enabled if isinstance(enabled, bool) else None,
        datetime.fromtimestamp(expires, UTC) if isinstance(expires, int) else None,
    )


def judged(posture: Posture, state: KeyState | None, api_version: str) -> Posture:
    """Return the posture of a resource beside the state of its key: with a disabled key it is customer-unusable.

    The newest version alone was read: of a resource with another version nothing is known from it.
    """
    if state is None or state.enabled is not False or posture.verdict not in {Verdict.CUSTOMER, Verdict.MIXED}:
        return posture
    if posture.key_version and posture.key_version.lower() != state.newest.lower():
        return posture
    shown = Evidence(f"{state.vault_id}/keys/{state.identifier.rpartition('/')[2]}", api_version, _ENABLED, False)
    reason = (
        f"{posture.reason}; version {state.newest} of the key is disabled, so the data is out of reach or soon will be"
    )
    return replace(posture, verdict=Verdict.CUSTOMER_UNUSABLE, reason=reason, evidence=(*posture.evidence, shown))


_ENABLED: Final = "properties.attributes.enabled"

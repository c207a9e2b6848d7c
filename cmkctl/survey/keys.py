"""The keys that a survey met: where they are, and their state. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from cmkctl.azure.decoding import ArmDocument
from cmkctl.azure.documents import at_path, text_at
from cmkctl.azure.ids import key_parts
from cmkctl.posture import Evidence, KeyState, KeyVersion, Posture, Verdict
from cmkctl.survey.known import Known

MANY: Final = 20
"""The number of keys, and of older versions, up to which a survey of many workspaces reads each of them."""


@dataclass(frozen=True, slots=True)
class KeyAnswer:
    """The answer to the read of a key or of a version: its document, or None.

    `obstacle` is the reason where it may be there, and could not be read; empty where it is absent.
    """

    document: ArmDocument | None
    obstacle: str = ""


def keys_of(postures: Iterable[Posture]) -> dict[str, None]:
    """Return the identifiers, without a version, of the keys that some postures and their parts name."""
    return {each.key.lower(): None for each in _with_parts(postures) if each.key}


def versions_of(postures: Iterable[Posture]) -> dict[str, None]:
    """Return the identifiers, with a version, of the versions that some postures and their parts name; of valid ones."""
    named = (f"{each.key}/{each.key_version}".lower() for each in _with_parts(postures) if each.key)
    return {each: None for each in named if key_parts(each)[1]}


def _with_parts(postures: Iterable[Posture]) -> Iterator[Posture]:
    for each in postures:
        yield each
        yield from _with_parts(part.posture for part in each.parts)


def host_of(key: str) -> str:
    """Return the host of a key's vault."""
    return key.removeprefix("https://").partition("/")[0].lower()


def vault_of(known: Known, key: str, vaults: Mapping[str, str]) -> str:
    """Return the ARM id of a key's vault; empty where it is not known. A vault's name is the first label of its host.

    `vaults` are those around the workspaces, by name: some of them may not have been read yet.
    """
    host = host_of(key)
    return known.at_host(host) or vaults.get(host.partition(".")[0], "")


def is_older(identifier: str, answers: Mapping[str, KeyAnswer]) -> bool | None:
    """Return True for a version that is not the newest of its key; None where the key was not read."""
    key, version = key_parts(identifier)
    answer = answers.get(key)
    if answer is None:
        return None
    return answer.document is not None and version != _newest(answer.document)


def state_of(key: str, vault: str, answers: Mapping[str, KeyAnswer], versions: Iterable[str]) -> KeyState:
    """Return the state of a key in a vault, from the answers to the reads of the key and of `versions`, by their identifiers."""
    if not vault:
        return KeyState(key, reason=f"no resource with host {host_of(key)} is visible, so the key was not read")
    answer = answers.get(key)
    if answer is None:
        return KeyState(key, vault, reason="the key was not read")
    if answer.document is None:
        return KeyState(key, vault, reason=answer.obstacle or "there is no such key, or you may not see it")
    older = tuple(
        _version(key_parts(each)[1], answers.get(each))
        for each in versions
        if key_parts(each)[0] == key and is_older(each, answers)
    )
    return KeyState(key, vault, _newest(answer.document), *_attributes(answer.document), older=older)


def _version(version: str, answer: KeyAnswer | None) -> KeyVersion:
    if answer is None:
        return KeyVersion(version, reason="the version was not read")
    if answer.document is None:
        reason = answer.obstacle or "the vault shows no such version"
        return KeyVersion(version, reason=reason, absent=not answer.obstacle)
    return KeyVersion(version, *_attributes(answer.document))


def _newest(document: ArmDocument) -> str:
    return key_parts(text_at(document, "properties.keyUriWithVersion"))[1].lower()


def _attributes(document: ArmDocument) -> tuple[bool | None, datetime | None]:
    """Return whether a version is enabled, and its expiry."""
    enabled = at_path(document, _ENABLED)
    expires = at_path(document, "properties.attributes.exp")
    return (
        enabled if isinstance(enabled, bool) else None,
        datetime.fromtimestamp(expires, UTC) if isinstance(expires, int) else None,
    )


def judged(posture: Posture, states: Mapping[str, KeyState], api_version: str) -> Posture:
    """Return the posture of a resource beside the states of its keys: with a disabled version it is customer-unusable.

    It is judged by the version that it uses; one that shows none uses the newest. A part that cannot use its key makes the whole
    unusable. An inherited key keeps its verdict, and its source is judged. A version that its vault lacks changes no verdict, as
    an absent key changes none: the resource still names a key of the customer's. It is noted in the reason.
    """
    parts = tuple(replace(each, posture=judged(each.posture, states, api_version)) for each in posture.parts)
    found = _by_version(replace(posture, parts=parts), states, api_version)
    broken = [each.name for each in parts if each.posture.verdict is Verdict.CUSTOMER_UNUSABLE]
    if found.verdict not in _JUDGED or not broken:
        return found
    reason = f"{found.reason}; the key of {', '.join(broken)} cannot be used"
    return replace(found, verdict=Verdict.CUSTOMER_UNUSABLE, reason=reason)


def _by_version(posture: Posture, states: Mapping[str, KeyState], api_version: str) -> Posture:
    state = states.get(posture.key.lower())
    version = state.of(posture.key_version) if state else None
    inherited = posture.verdict is Verdict.INHERITED
    if state is None or version is None or (posture.source if inherited else posture.verdict) not in _JUDGED:
        return posture
    if version.absent:
        return replace(posture, reason=f"{posture.reason}; its vault shows no version {version.version} of the key")
    if version.enabled is not False:
        return posture
    text = f"version {version.version} of the key is disabled, so the data is out of reach or soon will be"
    path = f"{state.vault_id}/keys/{state.identifier.rpartition('/')[2]}"
    older = "" if version.version == state.newest else f"/versions/{version.version}"
    shown = Evidence(f"{path}{older}", api_version, _ENABLED, version.enabled)
    noted = replace(posture, reason=f"{posture.reason}; {text}", evidence=(*posture.evidence, shown))
    unusable = Verdict.CUSTOMER_UNUSABLE
    return replace(noted, source=unusable) if inherited else replace(noted, verdict=unusable)


_JUDGED: Final = {Verdict.CUSTOMER, Verdict.MIXED}
"""The verdicts that depend on the state of the key."""

_ENABLED: Final = "properties.attributes.enabled"

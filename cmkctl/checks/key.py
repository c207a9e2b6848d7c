"""Rules about the key (failures.md, 1.2 and 1.7)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cmkctl.azure.compare import same_key_identifier
from cmkctl.checks.documents import identifier_in_use, key_attributes, version_attributes
from cmkctl.checks.observed import KEY, KEY_IN_USE, WORKSPACE, KeyInUse
from cmkctl.clock import date
from cmkctl.diagnostics import Code, Severity
from cmkctl.facts import Facts, Finding, Rule, rule

if TYPE_CHECKING:
    from cmkctl.profile.model import Profile

_SETUP: Final = "https://learn.microsoft.com/azure/machine-learning/how-to-setup-customer-managed-keys"
_CONCEPT: Final = "https://learn.microsoft.com/azure/machine-learning/concept-customer-managed-keys"
_RECOMMENDED_BITS: Final = 3072
_EXPIRES_SOON: Final = timedelta(days=90)
_SHORT_LIFE: Final = timedelta(days=30)

CMK105: Final = Code(
    "CMK105",
    "The key is shorter than recommended",
    "2048 bits are allowed, 3072 or more recommended. The size of a key is permanent.",
    "Set key.size: 3072.",
    _SETUP,
)
CMK106: Final = Code(
    "CMK106",
    "Rotation in the vault does not reach the workspace",
    "A workspace keeps a key identifier with a version. When the vault gets a new version, by its rotation policy or by hand, the workspace continues to use the old one; if that version expires or is disabled, the data is out of reach.",
    "After each rotation in the vault, move the workspace to the new version before the old one ends: cmkctl rotate PROFILE.",
    _CONCEPT,
)
CMK107: Final = Code(
    "CMK107",
    "The key expires soon",
    "An expired key cannot unwrap, and everything encrypted with it is out of reach until the expiry is moved.",
    "Extend it, or move the workspace to a new version: cmkctl rotate PROFILE.",
)
CMK114: Final = Code(
    "CMK114",
    "The key version in use is not usable",
    "A workspace keeps using the key version that it was pointed at, whatever the latest version is. If that version is disabled, expired, not valid yet or deleted, the services cannot unwrap their data keys, and the workspace's data is out of reach.",
    "Make that version usable again, or point the workspace at a usable version of the same key.",
    _CONCEPT,
)


@rule(CMK105, severity=Severity.WARNING)
def key_size(profile: Profile, _facts: Facts) -> Iterator[Finding]:
    """Prefer the recommended size."""
    if profile.key.size < _RECOMMENDED_BITS:
        yield Finding(
            f"{profile.key.size} bits are allowed; Azure Machine Learning's pages recommend {_RECOMMENDED_BITS} or more. The "
            "size of a key is permanent.",
            f"Set key.size: {_RECOMMENDED_BITS}.",
            "key.size",
        )


@rule(CMK106, severity=Severity.WARNING)
def rotation_policy_set(profile: Profile, _facts: Facts) -> Iterator[Finding]:
    """Warn of a rotation policy: the workspace keeps the version it has."""
    policy = profile.key.rotation_policy
    if policy is not None and (policy.rotate_after or policy.rotate_before_expiry):
        yield Finding(
            "key.rotation_policy makes new key versions in the vault. The workspace keeps the version that it was created "
            "with until it is pointed at the new one.",
            "Run cmkctl rotate PROFILE --due on a schedule: it moves the workspace to the new version.",
            "key.rotation_policy",
        )


@rule(CMK106, severity=Severity.WARNING, needs=(KEY, WORKSPACE))
def workspace_uses_the_latest_version(_profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Warn when the workspace uses an older version than the latest."""
    using, in_use = _split(identifier_in_use(facts[WORKSPACE]))
    key, latest = _split(((facts[KEY].key or {}).get("properties") or {}).get("keyUriWithVersion") or "")
    if in_use and latest and using.lower() == key.lower() and in_use != latest:
        yield Finding(
            f"The key's latest version is {latest}, the workspace uses {in_use}.",
            "Move the workspace to it before the old one is disabled or expires: cmkctl rotate PROFILE.",
            "key",
        )


def expires_within(soon: timedelta) -> tuple[Rule, Rule]:
    """Return the rules that warn before the latest version, and before an older version in use, expires."""

    @rule(CMK107, severity=Severity.WARNING, needs=(KEY,))
    def key_expires(_profile: Profile, facts: Facts) -> Iterator[Finding]:
        """Warn before the key's latest version expires."""
        observed = facts[KEY]
        expiry = key_attributes(observed).get("exp")
        if expiry is not None and 0 < expiry - observed.at.timestamp() < soon.total_seconds():
            left = int((expiry - observed.at.timestamp()) // 86400)
            yield Finding(
                f"It expires on {date(expiry)}, in {left} days. Then the workspace's data is out of reach until it is extended.",
                "Extend it (az keyvault key set-attributes --expires), or rotate: cmkctl rotate PROFILE.",
                "key.expires",
            )

    @rule(CMK107, severity=Severity.WARNING, needs=(KEY, KEY_IN_USE))
    def version_in_use_expires(_profile: Profile, facts: Facts) -> Iterator[Finding]:
        """Warn before the version that the workspace uses expires, where it is not the latest."""
        used = _older_in_use(facts)
        expiry = used and version_attributes(used.version).get("exp")
        if used and expiry and 0 < expiry - used.at.timestamp() < soon.total_seconds():
            yield Finding(
                f"The workspace uses {used.identifier}, which expires on {date(expiry)}.",
                f"Move the workspace to the latest version (cmkctl rotate PROFILE), or extend this one: {_set_attributes(used)} --expires DATE.",
                "key",
            )

    return key_expires, version_in_use_expires


key_expires, version_in_use_expires = expires_within(_EXPIRES_SOON)


@rule(CMK107, severity=Severity.WARNING, needs=(KEY,))
def new_key_expires(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Warn when a new key would expire within a month."""
    observed, wanted = facts[KEY], profile.key.expires
    if observed.key is None and wanted is not None and timedelta() < wanted - observed.at < _SHORT_LIFE:
        yield Finding(
            f"A key created now would expire on {date(wanted.timestamp())}, in {(wanted - observed.at).days} days.",
            "Set key.expires to a later date, or leave it out.",
            "key.expires",
        )


@rule(CMK114, severity=Severity.ERROR, needs=(KEY, KEY_IN_USE))
def version_in_use_is_usable(_profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Require that the version that the workspace uses can unwrap. The latest version is the key step's to compare."""
    used = _older_in_use(facts)
    if used is None:
        return
    if used.version is None:
        yield _unusable(
            used,
            "does not exist",
            "Recover the key if it was deleted: az keyvault key recover --vault-name VAULT --name KEY; for a deleted vault az "
            "keyvault recover first.",
        )
        return
    attributes, now = version_attributes(used.version), used.at.timestamp()
    if attributes.get("enabled") is False:
        yield _unusable(
            used,
            "is disabled",
            "Find out who disabled it and why. To restore access: cmkctl restore PROFILE.",
        )
    if attributes.get("exp") is not None and attributes["exp"] <= now:
        yield _unusable(
            used, f"expired on {date(attributes['exp'])}", f"Extend it: {_set_attributes(used)} --expires DATE."
        )
    if attributes.get("nbf") is not None and attributes["nbf"] > now:
        yield _unusable(
            used,
            f"is not valid before {date(attributes['nbf'])}",
            f"Correct the date: {_set_attributes(used)} --not-before DATE.",
        )


def _older_in_use(facts: Facts) -> KeyInUse | None:
    """Return the key version that the workspace uses; None for the latest of the profile's key, which the key step compares.

    None also for a key that this run recovers: the version returns with it.
    """
    used = facts[KEY_IN_USE]
    if facts[KEY].returns or facts[KEY].deleted is not None:
        return None
    latest = ((facts[KEY].key or {}).get("properties") or {}).get("keyUriWithVersion")
    return None if used is None or same_key_identifier(used.identifier, latest) else used


def _unusable(used: KeyInUse, state: str, remedy: str) -> Finding:
    detail = f"The workspace uses {used.identifier}, which {state}: its data is out of reach, or will be within hours."
    return Finding(detail, remedy, "key")


def _set_attributes(used: KeyInUse) -> str:
    return f"az keyvault key set-attributes --id {used.identifier}"


def _split(identifier: str) -> tuple[str, str]:
    """Split a key identifier into key and version; the version is empty for a versionless one."""
    key, _, version = identifier.rpartition("/")
    return key, version

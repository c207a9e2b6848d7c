"""Rules about the key (failures.md, 1.2 and 1.7)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cmkctl.checks.documents import date, identifier_in_use, key_attributes
from cmkctl.checks.observed import KEY, WORKSPACE
from cmkctl.diagnostics import Code, Severity
from cmkctl.facts import Facts, Finding, rule

if TYPE_CHECKING:
    from cmkctl.profile.model import Profile

_SETUP: Final = "https://learn.microsoft.com/azure/machine-learning/how-to-setup-customer-managed-keys"
_CONCEPT: Final = "https://learn.microsoft.com/azure/machine-learning/concept-customer-managed-keys"
_RECOMMENDED_BITS: Final = 3072
_EXPIRES_SOON: Final = timedelta(days=90)

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
    "After each rotation, point the workspace at the new version before the old one ends.",
    _CONCEPT,
)
CMK107: Final = Code(
    "CMK107",
    "The key expires soon",
    "An expired key cannot unwrap, and everything encrypted with it is out of reach until the expiry is moved.",
    "Extend it, or create a new version and point the workspace at it.",
)
CMK113: Final = Code(
    "CMK113",
    "The key's expiry does not match the profile",
    "The management plane creates the first version of a key and never changes an existing one. An existing key therefore keeps its expiry, or its lack of one.",
    "Move the expiry with `az keyvault key set-attributes`, or leave key.expires out.",
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
            "After each rotation, point the workspace at the new version before the old one expires.",
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
            "Point the workspace at the new version before the old one is disabled or expires.",
            "key",
        )


@rule(CMK107, severity=Severity.WARNING, needs=(KEY,))
def key_expires(_profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Warn before the key's latest version expires."""
    observed = facts[KEY]
    expiry = key_attributes(observed).get("exp")
    if expiry is not None and 0 < expiry - observed.at.timestamp() < _EXPIRES_SOON.total_seconds():
        days = int((expiry - observed.at.timestamp()) // 86400)
        yield Finding(
            f"It expires on {date(expiry)}, in {days} days. Then the workspace's data is out of reach until it is extended.",
            "Extend it (az keyvault key set-attributes --expires), or create a new version and point the workspace at it.",
            "key.expires",
        )


@rule(CMK113, severity=Severity.WARNING, needs=(KEY,))
def expiry_of_an_existing_key(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Compare the expiry of an existing key with the profile."""
    observed, wanted = facts[KEY], profile.key.expires
    if observed.key is None or wanted is None:
        return
    expiry = key_attributes(observed).get("exp")
    if expiry != int(wanted.timestamp()):
        yield Finding(
            f"The key {f'expires on {date(expiry)}' if expiry else 'never expires'}, key.expires is "
            f"{date(wanted.timestamp())}. Azure's management plane does not change an existing key, so cmkctl cannot move "
            "its expiry.",
            "Move it with az keyvault key set-attributes --expires, or leave key.expires out.",
            "key.expires",
        )


def _split(identifier: str) -> tuple[str, str]:
    """Key and version of a key identifier, the version empty where there is none."""
    key, _, version = identifier.rpartition("/")
    return key, version

"""Rules about the tags that each resource can take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from cmkctl.checks.observed import KEY
from cmkctl.diagnostics import Code, Severity
from cmkctl.facts import Facts, Finding, rule

if TYPE_CHECKING:
    from cmkctl.profile.model import Profile

_MOST_OF_A_KEY: Final = 15

CMK169: Final = Code(
    "CMK169",
    "More tags than a key can have",
    "A key in Key Vault has 15 tags at most. The tags of the profile go on everything that is created, the key included; Azure refuses the key after its vault exists.",
    "Use 15 tags at most.",
    "https://learn.microsoft.com/azure/key-vault/keys/about-keys-details",
)


@rule(CMK169, severity=Severity.ERROR, needs=(KEY,))
def tags_fit_the_key(profile: Profile, facts: Facts) -> Iterator[Finding]:
    """Require that a new key can have all tags of the profile."""
    if facts[KEY].key is None and len(profile.tags) > _MOST_OF_A_KEY:
        yield Finding(
            f"The profile has {len(profile.tags)} tags, and a key has {_MOST_OF_A_KEY} at most.",
            f"Leave {len(profile.tags) - _MOST_OF_A_KEY} of them out.",
            "tags",
        )

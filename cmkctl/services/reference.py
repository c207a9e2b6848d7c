"""The page docs/services.md, made from the services."""

from __future__ import annotations

from typing import Final, assert_never

from cmkctl.posture import MEANINGS, Verdict
from cmkctl.services import services
from cmkctl.services.base import (
    EncryptableService,
    FirstParty,
    MadeIdentity,
    NoReader,
    OtherResource,
    OwnIdentity,
    Reader,
    Service,
)

_HEAD: Final = """# Services

The services whose key cmkctl can read. `cmkctl encrypt PROFILE` puts the profile's key on resources of those with a place in a
profile: name them under `services` ([profiles.md](profiles.md)), and `cmkctl posture PROFILE` assesses them. A service without a
place in a profile takes no key by a write to a resource that exists: its key is set on another resource, in the data plane, only
at creation, or not at all. [Expectations](posture.md#compare-with-what-you-expect) name a service by the *name* in this table.

Made from the modules in `cmkctl/services`; `python tests/support/docs.py` brings it up to date.

| service | name | in a profile | api-version | key set by | read by | follows new versions | when the key is disabled or lost |
|---|---|---|---|---|---|---|---|
"""

_VERDICTS: Final = """
## Verdicts

| verdict | meaning |
|---|---|
"""

_EVIDENCE: Final = """
Each verdict has its evidence: the api-version, the JSON path, and the value as Azure answered it. A verdict is about what the
resource reports. Whether the service can use the key at this moment is known only where the service reports that as well.
"""


_PROTECTIONS: Final = """
## Protections

The protections beside the key that [expectations](posture.md#compare-with-what-you-expect) can name under `protections`:

| protection | services that show it |
|---|---|
"""


def reference() -> str:
    """Return the page."""
    meanings = "".join(f"| `{each.value}` | {MEANINGS[each]} |\n" for each in Verdict)
    protections = "".join(map(_protection, sorted({topic for each in services() for topic in each.protections})))
    rows = "\n".join(map(_row, services()))
    return f"{_HEAD}{rows}\n{_VERDICTS}{meanings}{_EVIDENCE}{_PROTECTIONS}{protections}"


def _protection(topic: str) -> str:
    return f"| `{topic}` | {', '.join(each.title for each in services() if topic in each.protections)} |\n"


def _row(service: Service) -> str:
    cells = (
        f"[{service.title}{service.also and f', {service.also}'}]({service.doc}) `{service.resource_type}`",
        f"`{service.name}`",
        f"`services.{service.name}`" if isinstance(service, EncryptableService) else "-",
        service.api_version,
        service.verb.value,
        "; ".join(map(_reader, (service.reader, *service.further))),
        str(service.follows),
        service.revoked,
    )
    return f"| {' | '.join(cells)} |"


def _reader(reader: Reader) -> str:
    match reader:
        case OwnIdentity():
            return "its system-assigned identity, or a user-assigned one"
        case NoReader():
            return "-"
        case FirstParty(name, app_ids, permissions):
            known = ", ".join(f"`{app_id}` in {cloud}" for cloud, app_id in app_ids.items())
            return f"{name} (application id {known}): {', '.join(permissions)}"
        case OtherResource(words) | MadeIdentity(words):
            return words
        case _:
            assert_never(reader)

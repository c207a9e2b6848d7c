"""Azure's rules for single values, as types with a pattern and a sentence that describes it.

A rule's words are a whole sentence that describes a right value, never the given one: the loader adds the value and
the place. Sources: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules and
https://learn.microsoft.com/azure/key-vault/keys/how-to-configure-key-rotation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, GetCoreSchemaHandler, GetJsonSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core.core_schema import no_info_after_validator_function

from cmkctl.azure.ids import ResourceId
from cmkctl.profile.reserved_words import objection

RULE: Final = "rule"
"""The error type of a broken rule; its context holds the sentence under ``words``."""

_HEX = "[0-9a-fA-F]"
_GUID = f"{_HEX}{{8}}(-{_HEX}{{4}}){{3}}-{_HEX}{{12}}"


@dataclass(frozen=True, slots=True)
class Hint:
    """Metadata of a field: what it expects in its own words, and where to find a right value."""

    expected: str
    remedy: str


def broken(words: str, *, form: bool = False) -> PydanticCustomError:
    """Return the error of a value that breaks a rule; `words` is the sentence that describes a right value.

    `form` is true where the value is of an altogether different form, so that a field may describe it better.
    """
    return PydanticCustomError(RULE, "{words}", {"words": words, "form": form})


@dataclass(frozen=True, slots=True)
class Pattern:
    """A text must match `pattern` from end to end; `words` describe that in a sentence.

    With `shortest`, `longest` and `characters` (a regular expression for one of them), a message names the condition
    that is not met before it gives the whole rule.
    """

    pattern: str
    words: str
    shortest: int = 0
    longest: int | None = None
    characters: str = ""

    def check(self, value: str) -> str:
        """Return the value. Raises PydanticCustomError when it does not match."""
        if re.fullmatch(self.pattern, value) is None:
            raise broken(" ".join((*self._faults(value), self.words)), form=True)
        return value

    def _faults(self, value: str) -> Iterator[str]:
        if self.longest is not None and len(value) > self.longest:
            yield f"It is {_characters(len(value) - self.longest)} too long."
        if len(value) < self.shortest:
            yield f"It is {_characters(self.shortest - len(value))} too short."
        wrong = next((each for each in value if self.characters and re.fullmatch(self.characters, each) is None), None)
        if wrong is not None:
            yield f"It contains {wrong!r}."

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check after pydantic has made sure that the value is text."""
        return no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Show the pattern to editors."""
        return {**handler(schema), "pattern": f"^(?:{self.pattern})$"}


def _characters(count: int) -> str:
    return "1 character" if count == 1 else f"{count} characters"


def _unreserved(value: str) -> str:
    if found := objection(value):
        raise broken(found)
    return value


@dataclass(frozen=True, slots=True)
class ArmId:
    """A text must be the ARM id of a resource of this type, such as ``Microsoft.KeyVault/vaults``."""

    resource_type: str

    @property
    def words(self) -> str:
        """A sentence that describes a right value."""
        return (
            f"Expected the ARM id of a {self.resource_type}: "
            f"{ResourceId('GUID', 'GROUP', *_type_and_names(self.resource_type))}."
        )

    def check(self, value: str) -> str:
        """Return the value. Raises PydanticCustomError unless it is an ARM id of this type."""
        try:
            parsed = ResourceId.parse(value)
        except ValueError:
            raise broken(self.words) from None
        if parsed.type.lower() != self.resource_type.lower() or re.fullmatch(_GUID, parsed.subscription) is None:
            raise broken(self.words)
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check after pydantic has made sure that the value is text."""
        return no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Show the shape of the id to editors."""
        return {**handler(schema), "pattern": "^/subscriptions/.+/providers/.+$"}


def _type_and_names(resource_type: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    provider, *kinds = resource_type.split("/")
    return provider, tuple(kinds), ("NAME",) * len(kinds)


_PLACEHOLDERS = frozenset({"00001111-aaaa-2222-bbbb-3333cccc4444", "11112222-bbbb-3333-cccc-4444dddd5555"})
_COSMOS_DB_APPLICATIONS = frozenset({"a232010e-820c-4083-83bb-3ace5fc29d0b", "57506a73-e302-42a9-b869-6f12d9ec29e9"})


def _real_guid(value: str) -> str:
    if value.lower() in _PLACEHOLDERS:
        raise broken(
            "This is the placeholder that Microsoft's documentation prints in place of a real id. Use your own id."
        )
    return value.lower()


def _object_id(value: str) -> str:
    if value in _COSMOS_DB_APPLICATIONS:
        raise broken(
            "This is the application id of Azure Cosmos DB, the same in every tenant; a grant to it gives no access. "
            "Expected the object id of its service principal in your tenant: "
            f"az ad sp show --id {value} --query id -o tsv."
        )
    return value


def _normalised_location(value: str) -> str:
    return value.replace(" ", "").lower()


def _whole(value: object) -> object:
    # 3072.0 == 3072 in Python, so pydantic's Literal accepts both.
    if isinstance(value, float):
        raise broken("Expected 2048, 3072 or 4096, without a decimal point.")
    return value


_DURATION = re.compile(r"P(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,5})D)?")


def days(duration: str) -> int:
    """Return the length of an ISO 8601 duration in days, a year taken as 365 and a month as 30 as Key Vault's limits are."""
    found = _DURATION.fullmatch(duration)
    if found is None:
        raise ValueError(f"not a duration in years, months and days: {duration!r}")
    return sum(int(count or 0) * unit for count, unit in zip(found.groups(), (365, 30, 1), strict=True))


_DURATION_WORDS = "Expected an ISO 8601 duration in years, months and days, such as P90D, P18M or P1Y6M."


@dataclass(frozen=True, slots=True)
class Duration:
    """A text must be an ISO 8601 duration of at least `least` and at most `most` days."""

    least: int
    most: int = 36500

    def check(self, value: str) -> str:
        """Return the value. Raises PydanticCustomError unless it is a duration in Key Vault's range."""
        if _DURATION.fullmatch(value) is None or value == "P":
            raise broken(_DURATION_WORDS)
        if not self.least <= days(value) <= self.most:
            raise broken(f"Key Vault accepts P{self.least}D to P{self.most // 365}Y here.")
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check after pydantic has made sure that the value is text."""
        return no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Show the pattern to editors."""
        return {**handler(schema), "pattern": r"^P(?=\d)(\d+Y)?(\d+M)?(\d+D)?$"}


_MOMENT_WORDS = "Expected a date, such as 2031-01-31, or a date and time with a zone, such as 2031-01-31T12:00:00Z."


def _moment(value: object) -> object:
    if isinstance(value, int | float):
        raise broken(_MOMENT_WORDS)
    if not isinstance(value, str):
        return value
    if re.fullmatch(r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d)?([Zz]|[+-]\d\d:\d\d))?", value) is None:
        raise broken(_MOMENT_WORDS)
    try:
        return datetime.fromisoformat(value.upper().replace(" ", "T"))
    except ValueError:
        raise broken(_MOMENT_WORDS) from None


def _zoned(value: datetime) -> datetime:
    try:
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        raise broken("Expected a moment in the years 1 to 9999, in UTC.") from None


def _address(value: str) -> str:
    try:
        (IPv4Network if "/" in value else IPv4Address)(value)
    except (AddressValueError, NetmaskValueError, ValueError):
        raise broken(
            "Expected an IPv4 address, such as 203.0.113.7, or a CIDR range whose host bits are zero, such as "
            "203.0.113.0/24."
        ) from None
    if any(IPv4Network(value).overlaps(each) for each in _PRIVATE):
        raise broken("Azure's IP rules take public addresses only, and this one is of a private network (RFC 1918).")
    return value


_PRIVATE: Final = tuple(IPv4Network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
"""Source: https://learn.microsoft.com/azure/key-vault/general/network-security"""


Switch = Literal["enabled", "disabled"]

Guid = Annotated[
    str,
    Pattern(_GUID, "Expected a GUID, such as 3f2b8c1e-0d4a-4c7b-9e65-1a2b3c4d5e6f."),
    AfterValidator(_real_guid),
]
"""A GUID in lower case, and not one that Microsoft's documentation prints as a placeholder."""

ObjectId = Annotated[Guid, AfterValidator(_object_id)]
"""The object id of a service principal, which is not its application id."""

LocationName = Annotated[
    str,
    Pattern("[A-Za-z][A-Za-z0-9 ]{2,59}", "Expected the name of an Azure region, such as eastus2 or West Europe."),
    AfterValidator(_normalised_location),
]
"""An Azure region in ARM's own form: lower case, no spaces."""

GroupName = Annotated[
    str,
    Pattern(
        r"[A-Za-z0-9_.()-]{0,89}[A-Za-z0-9_()-]",
        "A resource group's name has 1 to 90 letters, digits, underscores, hyphens, full stops and parentheses, and "
        "does not end with a full stop.",
        longest=90,
        shortest=1,
        characters="[A-Za-z0-9_.()-]",
    ),
]

VaultName = Annotated[
    str,
    Pattern(
        "(?=.{3,24}$)[a-zA-Z](?!.*--)[a-zA-Z0-9-]*[a-zA-Z0-9]",
        "A key vault's name has 3 to 24 letters, digits and hyphens, begins with a letter, ends with a letter or "
        "digit, and has no two hyphens in a row.",
        shortest=3,
        longest=24,
        characters="[a-zA-Z0-9-]",
    ),
    AfterValidator(_unreserved),
]

KeyName = Annotated[
    str,
    Pattern(
        "[a-zA-Z0-9-]{1,127}",
        "A key's name has 1 to 127 letters, digits and hyphens.",
        shortest=1,
        longest=127,
        characters="[a-zA-Z0-9-]",
    ),
]

KeyVersion = Annotated[
    str,
    Pattern(
        "[0-9a-fA-F]{32}",
        "A key version has 32 hexadecimal digits: the last part of a key identifier.",
        shortest=32,
        longest=32,
        characters="[0-9a-fA-F]",
    ),
]

WorkspaceName = Annotated[
    str,
    Pattern(
        "[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}",
        "A workspace's name has 3 to 33 letters, digits, underscores and hyphens, and begins with a letter or digit.",
        shortest=3,
        longest=33,
        characters="[a-zA-Z0-9_-]",
    ),
    AfterValidator(_unreserved),
]

StorageName = Annotated[
    str,
    Pattern(
        "[a-z0-9]{3,24}",
        "A storage account's name has 3 to 24 lower-case letters and digits.",
        shortest=3,
        longest=24,
        characters="[a-z0-9]",
    ),
    AfterValidator(_unreserved),
]

LogAnalyticsName = Annotated[
    str,
    Pattern(
        "[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]",
        "A Log Analytics workspace's name has 4 to 63 letters, digits and hyphens, and begins and ends with a letter "
        "or digit.",
        shortest=4,
        longest=63,
        characters="[A-Za-z0-9-]",
    ),
    AfterValidator(_unreserved),
]

ComponentName = Annotated[
    str,
    Pattern(
        r"[^%&\\?/<>#\x00-\x1f]{0,259}[^%&\\?/<>#. \x00-\x1f]",
        "An Application Insights name has 1 to 260 characters, none of % & \\ ? / < > #, and does not end with a space "
        "or full stop.",
        shortest=1,
        longest=260,
        characters=r"[^%&\\?/<>#\x00-\x1f]",
    ),
    AfterValidator(_unreserved),
]

RegistryName = Annotated[
    str,
    Pattern(
        "[a-zA-Z0-9]{5,50}",
        "A container registry's name has 5 to 50 letters and digits.",
        shortest=5,
        longest=50,
        characters="[a-zA-Z0-9]",
    ),
    AfterValidator(_unreserved),
]

TagKey = Annotated[
    str,
    Pattern(
        r"[^<>%&\\?/\x00-\x1f]{1,512}",
        "A tag's name has 1 to 512 characters, none of < > % & \\ ? /.",
        shortest=1,
        longest=512,
        characters=r"[^<>%&\\?/\x00-\x1f]",
    ),
]

TagValue = Annotated[str, Pattern(r"[\s\S]{0,256}", "A tag's value has at most 256 characters.", longest=256)]

Tags = dict[TagKey, TagValue]
"""Tags by name."""

ResourcePath = Annotated[
    str,
    Pattern(
        r"/subscriptions/[^/]+(/resourceGroups/[^/]+)?/providers/[^/]+(/[^/]+/[^/]+)+",
        "Expected the ARM id of a resource, in which a * may stand for every subscription, group or name.",
    ),
]
"""The ARM id of a resource, or of several with a ``*`` in the place of a name."""

VaultId = Annotated[str, ArmId("Microsoft.KeyVault/vaults")]
SubnetId = Annotated[str, ArmId("Microsoft.Network/virtualNetworks/subnets")]
PrivateDnsZoneId = Annotated[str, ArmId("Microsoft.Network/privateDnsZones")]
StorageId = Annotated[str, ArmId("Microsoft.Storage/storageAccounts")]
LogAnalyticsId = Annotated[str, ArmId("Microsoft.OperationalInsights/workspaces")]
EventHubRuleId = Annotated[str, ArmId("Microsoft.EventHub/namespaces/authorizationRules")]
ComponentId = Annotated[str, ArmId("Microsoft.Insights/components")]
RegistryId = Annotated[str, ArmId("Microsoft.ContainerRegistry/registries")]

_IDENTITY = ArmId("Microsoft.ManagedIdentity/userAssignedIdentities")


def _identity(value: str) -> str:
    if value == "system-assigned":
        return value
    try:
        return _IDENTITY.check(value)
    except PydanticCustomError:
        raise broken(f"Expected system-assigned, or a user-assigned identity. {_IDENTITY.words}") from None


Identity = Annotated[
    str,
    AfterValidator(_identity),
    WithJsonSchema({"type": "string", "pattern": "^(system-assigned|/subscriptions/.+/providers/.+)$"}),
]
"""``system-assigned`` or the ARM id of a user-assigned identity."""

IdentityId = Annotated[str, ArmId("Microsoft.ManagedIdentity/userAssignedIdentities")]
_IDENTITY_NAME: Final = Pattern(
    r"[A-Za-z0-9][A-Za-z0-9_-]{2,127}",
    "A user-assigned identity's name has 3 to 128 letters, digits, - and _, and starts with a letter or digit.",
    shortest=3,
    longest=128,
    characters="[A-Za-z0-9_-]",
)
IdentityName = Annotated[str, _IDENTITY_NAME]


def _identity_reference(value: str) -> str:
    return _IDENTITY.check(value) if value.startswith("/") else _IDENTITY_NAME.check(value)


IdentityReference = Annotated[str, AfterValidator(_identity_reference)]
"""The ARM id of a user-assigned identity, or the name of the one that cmkctl creates."""

GRANT_SCOPES: Final = (
    "subscription",
    "resource_group",
    "workspace",
    "key_vault",
    "key",
    "storage_account",
    "application_insights",
    "log_analytics",
    "container_registry",
    "workspace_key_vault",
)
"""The resources of a profile that a grant may name as its scope."""

_SCOPE_ID = re.compile(
    rf"/subscriptions/{_GUID}(/resourceGroups/[^/]+(/providers/[^/]+(/[^/]+/[^/]+)+)?)?"
    r"|/providers/Microsoft\.Management/managementGroups/[^/]+",
    re.IGNORECASE,
)
_ROLE_ID = re.compile(
    rf"(/subscriptions/{_GUID}|/providers/Microsoft\.Management/managementGroups/[^/]+)?(/resourceGroups/[^/]+)?"
    rf"/providers/Microsoft\.Authorization/roleDefinitions/{_GUID}",
    re.IGNORECASE,
)


def _grant_scope(value: str) -> str:
    if value in GRANT_SCOPES:
        return value
    if _SCOPE_ID.fullmatch(value.rstrip("/")) is None:
        raise broken(f"Expected one of {', '.join(GRANT_SCOPES)}, or the ARM id of a scope.")
    return value.rstrip("/")


def _role_reference(value: str) -> str:
    if not value.strip() or (value.startswith("/") and _ROLE_ID.fullmatch(value) is None):
        raise broken(
            "Expected the name of a role, such as Storage Blob Data Contributor, or the GUID or ARM id of a role definition."
        )
    return value


def _grant_principal(value: str) -> str:
    if value == "workspace":
        return value
    if value.startswith("/"):
        return _IDENTITY.check(value)
    if re.fullmatch(_GUID, value) is None:
        raise broken(f"Expected workspace, an object id, or a user-assigned identity. {_IDENTITY.words}")
    return _object_id(_real_guid(value))


GrantScope = Annotated[str, AfterValidator(_grant_scope)]
"""A resource of the profile by its name in `GRANT_SCOPES`, or the ARM id of a scope."""

RoleReference = Annotated[str, AfterValidator(_role_reference)]
"""The name of a role, or the GUID or ARM id of its definition."""

GrantPrincipal = Annotated[str, AfterValidator(_grant_principal)]
"""``workspace``, the ARM id of a user-assigned identity, or an object id."""

KeySize = Annotated[Literal[2048, 3072, 4096], BeforeValidator(_whole)]
"""The size of an RSA key in bits."""

IpRule = Annotated[str, AfterValidator(_address)]

EndpointName = Annotated[
    str,
    Pattern(
        r"[A-Za-z0-9](?:[\w.-]{0,78}\w)?",
        "A private endpoint's name has 1 to 80 letters, digits, underscores, full stops and hyphens, begins with a letter "
        "or digit, and ends with a letter, digit or underscore.",
        shortest=1,
        longest=80,
        characters=r"[\w.-]",
    ),
]


def _any_resource(value: str) -> str:
    try:
        ResourceId.parse(value)
    except ValueError:
        raise broken(
            "Expected the ARM id of a resource: /subscriptions/GUID/resourceGroups/GROUP/providers/NAMESPACE/TYPE/NAME."
        ) from None
    return value


AnyResourceId = Annotated[
    str,
    AfterValidator(_any_resource),
    WithJsonSchema({"type": "string", "pattern": "^/subscriptions/.+/providers/.+$"}),
]

OutboundRuleName = Annotated[
    str,
    Pattern(
        "[A-Za-z0-9][A-Za-z0-9_-]{0,79}",
        "An outbound rule's name has 1 to 80 letters, digits, underscores and hyphens, and begins with a letter or digit.",
        shortest=1,
        longest=80,
        characters="[A-Za-z0-9_-]",
    ),
]
"""Azure's own rules begin with two underscores."""

Fqdn = Annotated[
    str,
    Pattern(
        r"(?:\*\.)?(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,}",
        "Expected a host name, such as pypi.org, or *.pypi.org for all names below; no scheme, port or path.",
    ),
]

PortRanges = Annotated[
    str,
    Pattern(
        r"\*|\d{1,5}(?:-\d{1,5})?(?: *, *\d{1,5}(?:-\d{1,5})?)*",
        "Expected ports and ranges with commas between them, such as 443 or 80, 8080-8089, or * for all.",
    ),
]

Moment = Annotated[
    datetime,
    AfterValidator(_zoned),
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "pattern": r"^\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d)?([Zz]|[+-]\d\d:\d\d))?$"}),
]
"""A moment in UTC; a bare date means its midnight."""

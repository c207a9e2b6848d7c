"""Surveys to show: one workspace with every verdict, state and outcome, hostile names among them, and thousands of resources."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Final

from cmkctl.plan import Json
from cmkctl.posture import (
    IN_TRANSIT,
    PINNED,
    Aspect,
    Assessment,
    Belonging,
    Check,
    Compared,
    Evidence,
    Follow,
    Follows,
    KeyState,
    KeyVersion,
    Met,
    Outcome,
    Part,
    Posture,
    Rules,
    Seen,
    State,
    Survey,
    Unseen,
    Verdict,
    Waiver,
)

SUBSCRIPTION: Final = "00000000-0000-0000-0000-000000000000"
GROUP: Final = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-ml/providers"
WORKSPACE: Final = f"{GROUP}/Microsoft.MachineLearningServices/workspaces/mlw-prod"
AT: Final = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
KEY: Final = "https://kv-ml-01.vault.azure.net/keys/cmk-ml"
OTHER_KEY: Final = "https://kv-others.vault.azure.net/keys/cmk-ml"
OLD: Final = "0123456789abcdef0123456789abcdef"
NEW: Final = "fedcba9876543210fedcba9876543210"
VAULT: Final = f"{GROUP}/Microsoft.KeyVault/vaults/kv-ml-01"
SCRIPT: Final = '"><img src=x onerror=alert(1)><script>alert(1)'
FORMULA: Final = "=cmd|' calc'!A0"
REVERSED: Final = "evil\u202egnp.exe"
LONG: Final = "a-server-with-a-name-that-is-as-long-as-azure-permits-it-to-be"

_OLDER: Final = KeyVersion(OLD, enabled=True, expires=datetime(2026, 12, 10, tzinfo=UTC))
_KEY_STATE: Final = KeyState(KEY, VAULT, NEW, enabled=True, expires=datetime(2026, 12, 20, tzinfo=UTC), older=(_OLDER,))
_POLICY: Final = Rules(
    ("DP-5",),
    (
        Check("Azure Policy", "6fac406b-40ca-413b-bf8e-0bf964659c25", "queues and tables with Microsoft's key pass"),
        Check("Checkov", "CKV2_AZURE_1"),
    ),
)
_ANALOGY: Final = Rules(("DP-5",), by_analogy=True)
_TRANSIT: Final = Rules(("DP-3",), (Check("Azure Policy", "404c3081-a854-4457-ae30-26a93ef643f9"),))


def evidence(resource_id: str, path: str, value: Json) -> Evidence:
    """Return a value that Azure answered."""
    return Evidence(resource_id, "2025-08-01", path, value)


def transit(state: State, resource_id: str = f"{GROUP}/x") -> Aspect:
    """Return how connections are encrypted."""
    shown = evidence(resource_id, "properties.minimumTlsVersion", "TLS1_2" if state is State.ENFORCED else None)
    return Aspect(IN_TRANSIT, state, f"connections: {state.value}", (shown,), _TRANSIT)


def assessment(
    service: str,
    kind: str,
    name: str,
    posture: Posture,
    state: State | None = State.PLATFORM,
    *,
    outcome: Outcome | None = None,
    key: KeyState | None = None,
    managed: bool = False,
    seen: Seen = Seen.GET,
    rules: Rules = _POLICY,
    relation: str = "associated resource",
    workspace: str = WORKSPACE,
) -> Assessment:
    """Return an assessment of a resource of `kind` in the group."""
    identifier = f"{GROUP}/{kind}/{name}"
    source = "Microsoft.Keyvault" if posture.key else "Microsoft.Storage"
    shown = (
        posture
        if posture.evidence
        else replace(posture, evidence=(evidence(identifier, "properties.encryption.keySource", source),))
    )
    return Assessment(
        service,
        f"{service.replace(' ', '_').lower()}s",
        kind,
        identifier,
        shown,
        "PATCH",
        "if asked to, within 24 h",
        "reads and writes of data are refused",
        rules,
        seen,
        () if state is None else (transit(state, identifier),),
        () if identifier == workspace else (Belonging(workspace, relation),),
        managed,
        key,
        outcome,
    )


def customer(key: str = KEY, version: str = NEW) -> Posture:
    """Return the posture of a resource with a customer's key."""
    reason = "all data is encrypted with the customer's key"
    follows = Follows(Follow.BY_ITSELF, 24)
    return Posture(Verdict.CUSTOMER, reason, (), key, version, follows, "system-assigned")


def microsoft() -> Posture:
    """Return the posture of a resource with Microsoft's key."""
    return Posture(Verdict.MICROSOFT, "all data is encrypted with Microsoft's key")


def outcome_of(met: Met, reason: str, place: str = "", waiver: Waiver | None = None, question: str = "key") -> Outcome:
    """Return the outcome of a resource about which one question is compared."""
    return Outcome((Compared(question, met, reason, place, waiver),))


_MET: Final = outcome_of(Met.MET, "the key is the customer's, as expected", "posture.services.workspaces")
_NOT_MET: Final = outcome_of(
    Met.NOT_MET,
    "the customer's key is expected: all data is encrypted with Microsoft's key",
    "posture.services.data_factories",
)
_WAIVED: Final = outcome_of(
    Met.WAIVED,
    "the customer's key is expected: blobs and files use the customer's key; queue data keeps Microsoft's key",
    "posture.services.storage_accounts",
    Waiver(f"queues hold no data <b>{SCRIPT}</script>", date(2027, 1, 31)),
)
_MIXED: Final = Posture(
    Verdict.MIXED,
    "blobs and files use the customer's key; queue data keeps Microsoft's key",
    (),
    KEY,
    OLD,
    PINNED,
    f"{GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities/id-ml",
    (Part("blob", customer(KEY, OLD)), Part("file", customer(KEY, OLD)), Part("queue", microsoft())),
)
_UNUSABLE: Final = Posture(
    Verdict.CUSTOMER_UNUSABLE, "the service reports Invalid", (), OTHER_KEY, "", Follows(Follow.NEVER)
)


def _resources() -> Iterator[Assessment]:
    yield assessment(
        "workspace",
        "Microsoft.MachineLearningServices/workspaces",
        "mlw-prod",
        customer(KEY, OLD),
        outcome=_MET,
        key=_KEY_STATE,
    )
    yield assessment(
        "storage account",
        "Microsoft.Storage/storageAccounts",
        "stmlwprod46c2c4d7",
        _MIXED,
        State.ENFORCED,
        outcome=_WAIVED,
        key=_KEY_STATE,
    )
    yield assessment(
        "container registry", "Microsoft.ContainerRegistry/registries", "crmlprod", customer(), key=_KEY_STATE
    )
    yield assessment(
        "data factory",
        "Microsoft.DataFactory/factories",
        SCRIPT,
        microsoft(),
        State.NOT_ENFORCED,
        outcome=_NOT_MET,
        relation=SCRIPT,
    )
    yield assessment(
        "PostgreSQL flexible server",
        "Microsoft.DBforPostgreSQL/flexibleServers",
        LONG,
        _UNUSABLE,
        State.NOT_READ,
        key=KeyState(OTHER_KEY, reason="you may not read it"),
    )
    yield assessment(
        "Application Insights",
        "Microsoft.Insights/components",
        REVERSED,
        Posture(Verdict.INHERITED, "the data is in log-ml", source=Verdict.MICROSOFT),
        seen=Seen.GRAPH,
    )
    yield assessment(
        "project",
        "Microsoft.MachineLearningServices/workspaces",
        "project-ml",
        Posture(Verdict.INHERITED, "a project has the key of its hub", (), KEY, NEW, source=Verdict.CUSTOMER),
        None,
        key=_KEY_STATE,
    )
    yield assessment(
        "key vault",
        "Microsoft.KeyVault/vaults",
        "kv-ml-01",
        Posture(Verdict.NOT_CHOOSABLE, "a vault encrypts with keys of its own"),
    )
    yield assessment(
        "AI Search",
        "Microsoft.Search/searchServices",
        "srch-ml",
        Posture(Verdict.NOT_KNOWABLE, "Resource Manager does not show the keys of objects"),
        State.NOT_KNOWABLE,
        managed=True,
        rules=_ANALOGY,
    )
    yield assessment(
        "SQL server",
        "Microsoft.Sql/servers",
        FORMULA,
        Posture(Verdict.NOT_VISIBLE, "you may not read it"),
        State.NOT_VISIBLE,
    )
    yield assessment(
        "Data Lake Storage Gen1",
        "Microsoft.DataLakeStore/accounts",
        "adlsold",
        Posture(Verdict.RETIRED, "retired on 2024-02-29"),
        State.NOT_SET,
    )


RICH: Final = Survey(
    tuple(_resources()),
    (WORKSPACE,),
    (SUBSCRIPTION,),
    AT,
    (
        Unseen(f"{GROUP}/Microsoft.Storage/storageAccounts/stother", "you may not read it"),
        Unseen("sql-elsewhere.database.windows.net", "no resource with this host name was found"),
    ),
    ("The objects of 1 search service were left unread: they are in its data plane.",),
)
"""One workspace: every verdict and state of connections, each outcome, hostile names."""


EXAMPLE: Final = replace(
    RICH,
    assessments=(
        replace(
            RICH.assessments[1],
            outcome=outcome_of(
                Met.WAIVED, _WAIVED.reason, _WAIVED.place, Waiver("the queues hold no data", date(2027, 1, 31))
            ),
        ),
    ),
    left_out=(),
)
"""One resource that has everything which a resource can have."""


def ordinary() -> Survey:
    """Return the survey of a workspace as it often is."""
    newest = KeyState(KEY, VAULT, NEW, enabled=True, expires=datetime(2027, 11, 20, tzinfo=UTC))
    waived = outcome_of(
        Met.WAIVED,
        "the customer's key is expected: all data is encrypted with Microsoft's key",
        "posture.services.storage_accounts",
        Waiver("moves to its own key in January", date(2027, 1, 31)),
    )
    found = (
        assessment(
            "workspace",
            "Microsoft.MachineLearningServices/workspaces",
            "mlw-prod",
            customer(KEY, OLD),
            outcome=_MET,
            key=newest,
        ),
        assessment(
            "storage account",
            "Microsoft.Storage/storageAccounts",
            "stmlwprod46c2c4d7",
            microsoft(),
            State.ENFORCED,
            outcome=waived,
        ),
        assessment(
            "storage account",
            "Microsoft.Storage/storageAccounts",
            "stdata",
            replace(_MIXED, key_version=NEW, parts=(Part("blob, file", customer()), *_MIXED.parts[2:])),
            State.NOT_ENFORCED,
            outcome=outcome_of(Met.NOT_MET, _WAIVED.reason, "posture.services.storage_accounts"),
            key=newest,
        ),
        assessment(
            "Application Insights",
            "Microsoft.Insights/components",
            "appi-mlw-prod-46c2c4d7",
            Posture(Verdict.INHERITED, "the data is in log-mlw-prod", source=Verdict.MICROSOFT),
        ),
        assessment(
            "key vault",
            "Microsoft.KeyVault/vaults",
            "kv-mlw-prod-46c2c4d7",
            Posture(Verdict.NOT_CHOOSABLE, "a vault encrypts with keys of its own"),
        ),
    )
    return replace(RICH, assessments=found, unseen=RICH.unseen[1:], left_out=())


def many(workspaces: int, each: int = 8) -> Survey:
    """Return a survey of thousands: workspaces with storage accounts around them, half of them with one of ten keys."""
    found: list[Assessment] = []
    names: list[str] = []
    for number in range(workspaces):
        owner = f"{GROUP}/Microsoft.MachineLearningServices/workspaces/mlw-{number:04}"
        names.append(owner)
        key = f"https://kv-{number % 10}.vault.azure.net/keys/cmk"
        kept = customer(key, OLD if number % 3 else NEW) if number % 2 else microsoft()
        outcome = _MET if number % 2 else _NOT_MET
        found.append(
            assessment(
                "workspace",
                "Microsoft.MachineLearningServices/workspaces",
                f"mlw-{number:04}",
                kept,
                outcome=outcome,
                seen=Seen.GRAPH,
                workspace=owner,
            )
        )
        found.extend(
            assessment(
                "storage account",
                "Microsoft.Storage/storageAccounts",
                f"st{number:04}{other}",
                kept,
                State.ENFORCED,
                seen=Seen.GRAPH,
                workspace=owner,
            )
            for other in range(each)
        )
    return Survey(tuple(found), tuple(names), (SUBSCRIPTION, SUBSCRIPTION.replace("0", "1")), AT)

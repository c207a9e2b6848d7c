"""Access policies one at a time: add merges, replace replaces an identity's entry, remove takes words away (fact 18)."""

from cmkctl.sandbox.core import errors, resources, shapes
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers.microsoft_keyvault import vaults

COVERAGE = Area("key vaults", supported=("accessPolicies add, replace and remove, merged as recorded",))

TYPE = "Microsoft.KeyVault/vaults/accessPolicies"
SHAPE = {
    **shapes.TOP,
    "location": shapes.READ_ONLY,
    "properties": shapes.Required({"accessPolicies": shapes.Required([vaults.POLICY])}),
}
MOST_PER_CALL = 16
MOST = 1024
GROUPS = ("keys", "secrets", "certificates", "storage")


def put_policies(tenant: Tenant, call: Call) -> Reply:
    """Change the entries of the identities sent, and answer those entries as they are now: 200, no ``name``."""
    record = resources.existing(tenant, call, vaults.RESOURCE_TYPE)
    tenant.require_registered(call["subscription"], vaults.RESOURCE_TYPE.namespace)
    sent = shapes.accept(SHAPE, call.json(), call.api_version)["properties"]["accessPolicies"]
    if len(sent) > MOST_PER_CALL:
        raise errors.policies_per_call(most=MOST_PER_CALL, sent=len(sent))
    properties = record["doc"]["properties"]
    vaults.check_policies(sent, properties["tenantId"])
    change = CHANGES.get(call["operation"].lower())
    if change is None:
        raise errors.not_modelled(f"the access policy operation {call['operation']!r}")
    before = properties["accessPolicies"]
    properties["accessPolicies"] = change(before, sent)
    if len(properties["accessPolicies"]) > MOST:
        raise errors.policies_per_vault(MOST)
    record["doc"]["systemData"] = tenant.system_data(record["doc"]["systemData"])
    vaults.note_policies(tenant, record["doc"], before)
    tenant.changed()
    identities = [_identity(policy) for policy in sent]
    entries = [policy for policy in properties["accessPolicies"] if _identity(policy) in identities]
    identifier = f"{record['doc']['id']}/accessPolicies/"
    return Reply(200, {"id": identifier, "type": TYPE, "properties": {"accessPolicies": entries}})


def _identity(policy: Json) -> tuple[str, str]:
    return policy["objectId"].lower(), str(policy.get("applicationId") or "").lower()


def _add(current: list[Json], sent: list[Json]) -> list[Json]:
    merged = {_identity(policy): policy for policy in current}
    for policy in sent:
        known = merged.get(_identity(policy))
        merged[_identity(policy)] = _union(known, policy) if known else policy
    return list(merged.values())


def _union(known: Json, policy: Json) -> Json:
    permissions: Json = {}
    for group in GROUPS:
        words = list(known["permissions"].get(group) or ())
        have = {word.lower() for word in words}
        words += [word for word in policy["permissions"].get(group) or () if word.lower() not in have]
        if words or group in known["permissions"]:
            permissions[group] = words
    return {**known, "permissions": permissions}


def _replace(current: list[Json], sent: list[Json]) -> list[Json]:
    merged = {_identity(policy): policy for policy in current}
    merged.update({_identity(policy): policy for policy in sent})
    return list(merged.values())


def _remove(current: list[Json], sent: list[Json]) -> list[Json]:
    merged = {_identity(policy): policy for policy in current}
    for policy in sent:
        known = merged.get(_identity(policy))
        if known is not None:
            merged[_identity(policy)] = _minus(known, policy)
    return [policy for policy in merged.values() if any(policy["permissions"].values())]


def _minus(known: Json, policy: Json) -> Json:
    permissions = {}
    for group, words in known["permissions"].items():
        gone = {word.lower() for word in policy["permissions"].get(group) or ()}
        permissions[group] = [word for word in words or () if word.lower() not in gone]
    return {**known, "permissions": permissions}


CHANGES = {"add": _add, "replace": _replace, "remove": _remove}
ROUTES = (Route("PUT", vaults.RESOURCE_TYPE.path + "/accessPolicies/{operation}", put_policies, TYPE, vaults.VERSIONS),)

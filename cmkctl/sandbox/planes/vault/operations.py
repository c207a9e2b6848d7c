"""Using a key: encrypt, decrypt, wrap, unwrap, sign, verify, by the rules for disabled, expired and restricted keys."""

from cmkctl.sandbox.core import errors
from cmkctl.sandbox.core.key_pairs import PrivateKey
from cmkctl.sandbox.core.messages import Json, Reply
from cmkctl.sandbox.planes.vault import algorithms, bodies, material, records, views
from cmkctl.sandbox.planes.vault.context import Context, Handler
from cmkctl.sandbox.providers.microsoft_keyvault.keys import properties_of

WHENEVER = frozenset({"decrypt", "unwrapKey", "verify"})
"""Operations that go on outside ``nbf`` and ``exp``, so that data can be recovered (documented, about keys)."""

TRANSFORMS = {
    "encrypt": algorithms.encrypt,
    "wrapKey": algorithms.encrypt,
    "decrypt": algorithms.decrypt,
    "unwrapKey": algorithms.decrypt,
    "sign": algorithms.sign,
}


def operation(name: str) -> Handler:
    """Return the handler of one operation."""

    def perform(context: Context) -> Reply:
        record = records.existing(context)
        version = records.chosen(context, record)
        properties = properties_of(record, version)
        _require_usable(context, version["attributes"], name)
        if name not in properties["keyOps"]:
            raise errors.operation_not_permitted(name)
        body = bodies.read(context.call, bodies.OPERATION)
        private = material.private_key(context.tenant, version, properties)
        if name == "verify":
            return Reply(200, {"value": _verified(private, body)})
        result = TRANSFORMS[name](private, body["alg"], material.decoded(body["value"], "value"))
        return Reply(200, {"kid": views.kid(context, record, version), "value": material.encoded(result)})

    return perform


def _require_usable(context: Context, attributes: Json, name: str) -> None:
    if not attributes["enabled"]:
        raise errors.vault_key_disabled(name)
    if name in WHENEVER:
        return
    now = context.tenant.clock()
    if attributes.get("exp") and now >= attributes["exp"]:
        raise errors.vault_key_expired(name)
    if attributes.get("nbf") and now < attributes["nbf"]:
        raise errors.vault_key_not_yet_valid(name)


def _verified(private: PrivateKey, body: Json) -> bool:
    digest, signature = (material.decoded(body.get(part, ""), part) for part in ("digest", "value"))
    return algorithms.verify(private, body["alg"], digest, signature)

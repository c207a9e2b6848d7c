"""Request bodies of the data plane, and the rules for a new key or new attributes."""

from collections.abc import Iterable, Mapping
from typing import Any

from cmkctl.sandbox.core import errors, shapes
from cmkctl.sandbox.core.key_pairs import EXPONENT, PrivateKey
from cmkctl.sandbox.core.messages import Call, Json
from cmkctl.sandbox.core.shapes import IGNORED, Required
from cmkctl.sandbox.planes.vault import material
from cmkctl.sandbox.planes.vault.context import Context
from cmkctl.sandbox.providers.microsoft_keyvault import keys

KINDS = ("RSA", "RSA-HSM", "EC", "EC-HSM", "oct", "oct-HSM")
OPERATIONS = ("encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey", "import", "export")
READ_BACK = ("created", "updated", "recoveryLevel", "recoverableDays", "hsmPlatform", "attestation")
ATTRIBUTES = {"enabled": bool, "nbf": int, "exp": int, "exportable": bool, **dict.fromkeys(READ_BACK, IGNORED)}
COMMON = {"attributes": ATTRIBUTES, "tags": shapes.TAGS, "release_policy": dict}
CREATE = {
    "kty": Required(KINDS),
    "key_size": int,
    "public_exponent": int,
    "key_ops": [OPERATIONS],
    "crv": keys.CURVES,
    **COMMON,
}
UPDATE = {"key_ops": [OPERATIONS], **COMMON}
PARTS = ("n", "e", "d", "dp", "dq", "qi", "p", "q", "x", "y", "k", "key_hsm")
WEB_KEY = {"kty": Required(KINDS), "kid": str, "key_ops": [OPERATIONS], "crv": str, **dict.fromkeys(PARTS, str)}
IMPORT = {"key": Required(WEB_KEY), "Hsm": bool, **COMMON}
OPERATION = {"alg": Required(str), "value": Required(str), **dict.fromkeys(("digest", "iv", "aad", "tag"), str)}
ACTION = {"trigger": Required({"timeAfterCreate": str, "timeBeforeExpiry": str})}
POLICY = {
    "id": IGNORED,
    "attributes": {"expiryTime": str, "created": IGNORED, "updated": IGNORED},
    "lifetimeActions": [{**ACTION, "action": Required({"type": Required(("Rotate", "Notify"))})}],
}


def read(call: Call, shape: Mapping[str, Any], *, partial: bool = False) -> Json:
    """Return a request's body as its shape allows.

    Raises:
        AzureError: 400 `BadParameter` naming the first property that is wrong.

    """
    try:
        return shapes.accept(shape, call.json(), call.api_version, partial=partial)
    except errors.AzureError as problem:
        raise errors.vault_body_invalid(problem.problem) from problem


def new_key(context: Context, body: Json) -> Json:
    """Return the properties of the key that a create requests, in ARM's names."""
    kind = next(name for name in KINDS if name.lower() == body["kty"].lower())
    _require_name(context)
    _require_kind(context, kind)
    require_exportable(body)
    size, exponent = body.get("key_size"), body.get("public_exponent")
    if exponent not in {None, EXPONENT}:
        raise errors.exponent_fixed()
    if size is not None and (not kind.startswith("RSA") or size not in keys.SIZES):
        raise errors.vault_key_size_unsupported(size, kind)
    if body.get("crv") and kind.startswith("RSA"):
        raise errors.curve_of_rsa()
    inner = {"keySize": size} if kind.startswith("RSA") else {"curveName": body.get("crv")}
    return {"kty": kind, **inner, **_use(kind, body)}


def imported_key(context: Context, body: Json) -> tuple[Json, PrivateKey]:
    """Return the properties of the key that an import brings, and the key."""
    web_key = body["key"]
    if web_key.get("key_hsm"):
        raise errors.not_modelled("the import of a protected key (BYOK)")
    kind = next(name for name in KINDS if name.lower() == web_key["kty"].lower()).removesuffix("-HSM")
    hsm = body.get("Hsm") or web_key["kty"].upper().endswith("-HSM")
    kind = f"{kind}-HSM" if hsm else kind
    _require_name(context)
    _require_kind(context, kind)
    require_exportable(body)
    private = material.imported(web_key)
    parts = {"keySize": private.key_size} if kind.startswith("RSA") else {"curveName": web_key["crv"]}
    if kind.startswith("RSA") and private.key_size not in keys.SIZES:
        raise errors.imported_size_unsupported(private.key_size)
    return {"kty": kind, **parts, **_use(kind, {**body, "key_ops": web_key.get("key_ops")})}, private


def _require_name(context: Context) -> None:
    if not keys.NAME.fullmatch(context.name):
        raise errors.key_name_invalid(context.name)


def _require_kind(context: Context, kind: str) -> None:
    if kind.startswith("oct"):
        raise errors.key_type_of_hsm(kind)
    if kind.endswith("-HSM") and context.properties["sku"]["name"].lower() != "premium":
        raise errors.vault_key_needs_premium(kind)


def require_exportable(body: Json) -> None:
    """Refuse release policies: a quoted refusal where Azure has one, else as not modelled."""
    exportable = (body.get("attributes") or {}).get("exportable")
    if body.get("release_policy") and not exportable:
        raise errors.release_policy_refused()
    if exportable and not body.get("release_policy"):
        raise errors.release_policy_missing()
    if exportable:
        raise errors.not_modelled("exportable keys and their release")


def _use(kind: str, body: Json) -> Json:
    attributes = {name: value for name, value in (body.get("attributes") or {}).items() if value is not None}
    require_dates(attributes)
    return {"keyOps": key_operations(kind, body.get("key_ops") or []), "attributes": attributes}


def key_operations(kind: str, sent: list[str]) -> list[str]:
    """Return the operations a key is for, in Key Vault's casing; none sent means all there are (create fills them in).

    Raises:
        AzureError: 400 `BadParameter` when the kind of key cannot do one of them (P17).

    """
    names = {name.lower(): name for name in OPERATIONS}
    wanted = [names[name.lower()] for name in sent]
    possible = keys.RSA_OPERATIONS if kind.startswith("RSA") else keys.EC_OPERATIONS
    allowed = [*possible, "import"] if kind == "RSA-HSM" else possible
    wrong = [name for name in wanted if name not in allowed]
    if wrong:
        raise errors.vault_operations_unsupported(_listed(wrong), _listed(allowed))
    return wanted


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def require_dates(attributes: Json) -> None:
    """Refuse a key that would expire before it is valid."""
    if attributes.get("nbf") and attributes.get("exp") and attributes["exp"] <= attributes["nbf"]:
        raise errors.vault_key_dates_reversed()

"""Redacts secrets from everything stored or displayed: tapes, reports, views and debug logs.

All recognition of secrets is here, so that "no secret is ever printed, logged or put on a tape" is a property of one
function. It combines three methods: by *value* (the caller's own secrets), by *field name* (``clientSecret``, the private half
of a JSON web key) and by *pattern* (a JWT, ``Bearer …``, ``sig=…``, a PEM block).

Texts are shortened with `shortened`, after redaction: a truncated secret could not be recognised.

`redactor` combines the methods; `values`, `field_names` and `patterns` (with `tokens`) implement them, and `replacements` has the
replacement texts.

Redaction is idempotent. Identifiers are not secrets and stay:
subscription, tenant, object and resource ids, and the application ids that Microsoft publishes.
"""

from cmkctl.azure.redaction.redactor import Redactor, parse_json, redact, scrub, shortened
from cmkctl.azure.redaction.replacements import CLIENT_ID, PUBLIC_APPLICATION_IDS, REDACTED, USER
from cmkctl.azure.redaction.values import secrets_of, weak_secrets

__all__ = [
    "CLIENT_ID",
    "PUBLIC_APPLICATION_IDS",
    "REDACTED",
    "USER",
    "Redactor",
    "parse_json",
    "redact",
    "scrub",
    "secrets_of",
    "shortened",
    "weak_secrets",
]

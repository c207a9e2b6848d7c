"""Taking secrets out of what is kept or shown: tapes, reports, views and debug logs.

One place knows what a secret looks like, so that "no secret is ever printed, logged or put on a tape" is one property
of one function. It works in three ways at once: by *value* (what the caller knows to be secret), by *place* (the field
``clientSecret``, the private half of a JSON web key) and by *shape* (a JWT, ``Bearer …``, ``sig=…``, a PEM block).

What is to be shown only in part goes through `shortened`: cut first, a secret would lose what it is recognised by.

`redactor` is the redaction; `values`, `field_names` and `patterns` (with `tokens`) are the three ways, and `replacements` is what
takes a secret's place.

Redacting twice changes nothing more: whoever is unsure redacts again. Identifiers are not secrets and stay:
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

"""Failures: an expression without a value, and the errors that a failed deployment shows for its resources."""

import json
from http import HTTPStatus
from typing import Any

from cmkctl.sandbox.core import errors

Json = dict[str, Any]


class ExpressionError(Exception):
    """An expression without a value. The text gives the reason; the caller adds the place."""


def rejected(refusal: errors.AzureError) -> Json:
    """Return the error of a resource whose request was refused: the whole response as text. Recorded (61, fact 12)."""
    answer = json.dumps(refusal.body(), indent=2).replace("\n", "\r\n")
    return {"code": reason(refusal.status), "message": answer}


def reason(status: int) -> str:
    """Return a status as deployments write it: ``BadRequest`` for 400, ``Created`` for 201, ``OK`` for 200."""
    return HTTPStatus(status).phrase.replace(" ", "") if status != HTTPStatus.OK else "OK"

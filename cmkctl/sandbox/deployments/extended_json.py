"""The JSON that Resource Manager takes for a deployment: with comments, strings over several lines, and bare names.

Templates may have the first two ("Understand the structure and syntax of ARM templates", *Comments*, *Multi-line
strings*). The third is how the az CLI sends every template: it splices the file's own text into ``…, template:{…}}``.
"""

import json
import re
from typing import Any

from cmkctl.sandbox.core import errors
from cmkctl.sandbox.core.messages import Call, Json

TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|//[^\r\n]*|/\*.*?\*/|[A-Za-z_$][\w$]*(?=\s*:)', re.DOTALL)


def body_of(call: Call) -> Json:
    """Return the body of a deployment request as a JSON object.

    Raises:
        AzureError: 400 `InvalidRequestContent` when it is not one.

    """
    try:
        value = read(call.body.decode())
    except ValueError as problem:
        raise errors.not_json(str(problem)) from problem
    if not isinstance(value, dict):
        raise errors.not_json("a JSON object was expected")
    return value


def read(text: str) -> Any:
    """Return the value of a text in extended JSON. Raises ValueError when it is none."""
    return json.loads(TOKEN.sub(_plain, text), strict=False)


def _plain(match: re.Match[str]) -> str:
    token = match[0]
    if token[0] == "/":
        return " "
    return token if token[0] == '"' else f'"{token}"'

"""Procedures: the sequences of steps that commands run. Each module has one, and its name is the procedure's."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cmkctl.procedures.base import Procedure

NAMES: Final = ("create", "rotate", "revoke", "restore", "destroy", "recover", "encrypt")
"""The names of the procedures, as saved plans contain them."""

_NO_ARGUMENTS: Final[Mapping[str, str]] = {}


def named(name: str, arguments: Mapping[str, str] = _NO_ARGUMENTS) -> Procedure:
    """Return a procedure by its name. Only its own module is imported.

    `arguments` are those of `Procedure.arguments`. Raises ValueError for an unknown name or invalid arguments.
    """
    if name not in NAMES:
        raise ValueError(f"{name!r} is not a procedure of this cmkctl")
    found: Procedure = importlib.import_module(f"cmkctl.procedures.{name}").procedure(arguments)
    return found

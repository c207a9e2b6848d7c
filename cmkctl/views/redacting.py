"""A view that redacts and hands on to several views: the one place where output loses its secrets.

Plans, events, diagnostics and outputs are values; each is copied with every text in it redacted. Requests to Azure are not
affected: they do not pass through here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from functools import cache, lru_cache
from operator import is_
from types import TracebackType
from typing import Any, Final, Self, TypeVar, cast

from cmkctl.azure.redaction import Redactor
from cmkctl.plan import Known, Plan
from cmkctl.views import View
from cmkctl.views.shown import Shown

T = TypeVar("T")
_REMEMBERED: Final = 4096


class RedactingView:
    """One view made of several. The first one prompts the operator."""

    def __init__(self, redactor: Redactor, first: View, *others: View) -> None:
        self._views = (first, *others)
        self._redactor = redactor
        # The same ids and titles come again and again.
        self._text = lru_cache(_REMEMBERED)(redactor.text)

    @property
    def can_ask(self) -> bool:
        """True when a person can answer `confirm`."""
        return self._views[0].can_ask

    def show(self, shown: Shown) -> None:
        """Redact a value and hand it on. A text is redacted as a whole: a private key has many lines."""
        redacted = self._redact(shown)
        for each in self._views:
            each.show(redacted)

    def confirm(self, plan: Plan, name: str = "") -> bool:
        """Prompt once."""
        return self._views[0].confirm(self._redact(plan), name)

    def close(self) -> None:
        """Close every view."""
        for each in self._views:
            each.close()

    def __enter__(self) -> Self:
        for each in self._views:
            each.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each in self._views:
            each.__exit__(kind, error, trace)

    def _redact(self, value: T) -> T:
        """Return the same value without its secrets."""
        return cast("T", self._redacted(value, {}))

    def _redacted(self, value: Any, done: dict[int, Any]) -> Any:
        """Return a value without its secrets, the same object where it has none. `done` has results by the identity of values."""
        if value is None or isinstance(
            value, Enum | Known | bool | int | float
        ):  # outputs are shown as values of their own
            return value
        if isinstance(value, str):
            text = self._text(value)
            return value if text == value else text
        if isinstance(value, tuple | list):
            found = [self._redacted(each, done) for each in value]
            return value if all(map(is_, found, value)) else type(value)(found)
        names = _fields_of(value.__class__)
        if names is not None:
            # A value that many others share, such as the rules of a service, is redacted once.
            if id(value) not in done:
                done[id(value)] = self._redacted_fields(value, names, done)
            return done[id(value)]
        if isinstance(value, Mapping):
            # By name as well: the value of a field called clientSecret is a secret, whatever it looks like.
            return self._redactor.redact(value)
        return value

    def _redacted_fields(self, value: Any, names: tuple[str, ...], done: dict[int, Any]) -> Any:
        # By identity: a field may take no part in comparisons, as the source line of a location.
        changed = {
            name: shown for name in names if (shown := self._redacted(one := getattr(value, name), done)) is not one
        }
        return replace(value, **changed) if changed else value


@cache
def _fields_of(kind: type) -> tuple[str, ...] | None:
    """Return the names of the fields of a dataclass; None for another type."""
    return tuple(each.name for each in fields(kind) if each.init) if is_dataclass(kind) else None

"""A view that redacts and hands on to several views: the one place where output loses its secrets.

Plans, events, diagnostics and outputs are values; each is copied with every text in it redacted. Requests to Azure are not
affected: they do not pass through here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from functools import lru_cache
from types import TracebackType
from typing import Any, Final, Self, TypeVar, cast

from cmkctl.azure.redaction import Redactor
from cmkctl.plan import Known, Plan
from cmkctl.views import View
from cmkctl.views.shown import Shown

T = TypeVar("T")
_REMEMBERED: Final = 4096


class RedactingView:
    """One view made of several. The first one asks the operator."""

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
        """Ask, once."""
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
        return cast("T", self._redacted(value))

    def _redacted(self, value: Any) -> Any:
        if isinstance(value, Enum | Known):  # a view shows outputs as values of their own
            return value
        if isinstance(value, str):
            return self._text(value)
        if is_dataclass(value) and not isinstance(value, type):
            found = {each.name: getattr(value, each.name) for each in fields(value) if each.init}
            # By identity: a field may take no part in comparisons, as the source line of a location.
            changed = {name: shown for name, one in found.items() if (shown := self._redacted(one)) is not one}
            return replace(value, **changed) if changed else value
        if isinstance(value, Mapping):
            # By name as well: the value of a field called clientSecret is a secret, whatever it looks like.
            return self._redactor.redact(value)
        if isinstance(value, tuple | list):
            return type(value)(map(self._redacted, value))
        return value

"""Several views that hear the same, without secrets: the one place where what is shown loses them.

Plans, events, diagnostics and outputs are values; each is copied with every text in it redacted, and handed on. What is
sent to Azure is not touched: it does not come from here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from enum import Enum
from functools import lru_cache
from types import TracebackType
from typing import Any, Final, Self, TypeVar, cast

from cmkctl.azure.redaction import Redactor
from cmkctl.diagnostics import Diagnostic
from cmkctl.events import Event
from cmkctl.plan import Plan
from cmkctl.views import View

T = TypeVar("T")
_REMEMBERED: Final = 4096


class RedactingView:
    """One view made of several. The first is asked what only one can answer."""

    def __init__(self, redactor: Redactor, first: View, *others: View) -> None:
        self._views = (first, *others)
        self._redactor = redactor
        # The same ids and titles come again and again.
        self._text = lru_cache(_REMEMBERED)(redactor.text)

    @property
    def can_ask(self) -> bool:
        """Whether somebody is there to answer `confirm`."""
        return self._views[0].can_ask

    def plan(self, plan: Plan, *, detailed: bool = False) -> None:
        """Hand on a plan."""
        shown = self._redact(plan)
        for each in self._views:
            each.plan(shown, detailed=detailed)

    def saved(self, file: str, digests: Mapping[str, str]) -> None:
        """Hand on where the plan was saved."""
        for each in self._views:
            each.saved(self._redact(file), digests)

    def confirm(self, plan: Plan) -> bool:
        """Ask, once."""
        return self._views[0].confirm(self._redact(plan))

    def event(self, event: Event) -> None:
        """Hand on what happened."""
        shown = self._redact(event)
        for each in self._views:
            each.event(shown)

    def waiting(self, what: str, seconds: float, until: datetime | None = None) -> None:
        """Hand on what is waited for."""
        for each in self._views:
            each.waiting(self._redact(what), seconds, until)

    def outputs(self, values: Mapping[str, object]) -> None:
        """Hand on the outputs."""
        shown = self._redact(values)
        for each in self._views:
            each.outputs(shown)

    def diagnostics(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Hand on problems."""
        shown = [self._redact(each) for each in diagnostics]
        for each in self._views:
            each.diagnostics(shown)

    def applied(self, before: Plan, after: Plan, seconds: float) -> None:
        """Hand on the end of an apply."""
        for each in self._views:
            each.applied(self._redact(before), self._redact(after), seconds)

    def verified(self, plan: Plan) -> None:
        """Hand on the answer of verify."""
        shown = self._redact(plan)
        for each in self._views:
            each.verified(shown)

    def interrupted(self, command: str = "") -> None:
        """Hand on that the run was told to stop."""
        for each in self._views:
            each.interrupted(self._redact(command))

    def log(self, text: str) -> None:
        """Hand on a text for whoever looks for a fault. It is redacted as a whole: a private key has many lines."""
        for each in self._views:
            each.log(self._redact(text))

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
        """The same value without its secrets."""
        return cast("T", self._redacted(value))

    def _redacted(self, value: Any) -> Any:
        if isinstance(value, Enum):
            return value
        if isinstance(value, str):
            return self._text(value)
        if is_dataclass(value) and not isinstance(value, type):
            found = {each.name: getattr(value, each.name) for each in fields(value) if each.init}
            changed = {name: shown for name, one in found.items() if (shown := self._redacted(one)) != one}
            return replace(value, **changed) if changed else value
        if isinstance(value, Mapping):
            # By place as well: what stands in a field called clientSecret is one, whatever it looks like.
            return self._redactor.redact(value)
        if isinstance(value, tuple | list):
            return type(value)(map(self._redacted, value))
        return value

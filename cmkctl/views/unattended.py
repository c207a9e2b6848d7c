"""The part that views without an operator share: they never ask, and have no terminal to restore."""

from __future__ import annotations

from types import TracebackType
from typing import Final, Self

from cmkctl.plan import Plan


class UnattendedView:
    """A view that nothing can be approved in. A file view is written by its own `write`, at the end of the run."""

    can_ask: Final = False

    def confirm(self, plan: Plan, name: str = "") -> bool:  # noqa: ARG002 - a view's signature
        """Return False: an option approves the plan, or nothing does."""
        return False

    def close(self) -> None:
        """Do nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

"""The form of an error: a row of the table in `cmkctl.sandbox.core.errors`, and the exception a handler raises from it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from string import Formatter
from typing import Any

Json = dict[str, Any]
OWN = "[sandbox] "
"""Begins every text whose wording is the sandbox's own, so that it is never taken for Azure's."""


class Source(Enum):
    """The source of an error's text."""

    RECORDED = "recorded"
    """Recorded from Azure by a public test suite."""

    QUOTED = "quoted"
    """Quoted from Azure in a public issue or report."""

    DOCUMENTED = "documented"
    """Published by Microsoft."""

    PARTLY = "partly ours"
    """The frame is Azure's; the part after ``[sandbox]`` is the sandbox's."""

    OURS = "ours"
    """The refusal or its code is known, the wording is unpublished. The text begins with ``[sandbox]``."""

    LIMIT = "limit"
    """A limit of the sandbox, with no counterpart in Azure."""


@dataclass(frozen=True)
class Origin:
    """The source of a text, with the place: recordings, facts, an issue, a page; or a remark on what is known."""

    source: Source
    where: str = ""


def recorded(where: str) -> Origin:
    """Return the origin of a text in a recording."""
    return Origin(Source.RECORDED, where)


def quoted(where: str) -> Origin:
    """Return the origin of a text that others quote from Azure."""
    return Origin(Source.QUOTED, where)


def documented(where: str) -> Origin:
    """Return the origin of a text that Microsoft has published."""
    return Origin(Source.DOCUMENTED, where)


def partly(where: str) -> Origin:
    """Return the origin of a text of which the frame is Azure's."""
    return Origin(Source.PARTLY, where)


def ours(where: str = "") -> Origin:
    """Return the origin of a text of the sandbox, with what is known of the refusal."""
    return Origin(Source.OURS, where)


LIMIT = Origin(Source.LIMIT)
TABLE: "list[ErrorRow]" = []
"""Every row, in the order of declaration; a provider may declare rows of its own."""


@dataclass(frozen=True, eq=False)
class ErrorRow:
    """One error. Calling it with its values gives the exception to raise; rows are compared by identity.

    `text`, `target`, the values of `headers` and the texts of `details` are templates as of `str.format`. Values are given
    by name or in the order in which their names first occur.

    Attributes:
        status: the HTTP status.
        code: ``error.code``.
        origin: where the text comes from.
        text: ``error.message``; texts of the sandbox get `OWN` in front.
        inner: ``error.innererror.code``, by which Key Vault's clients distinguish cases.
        target: ``error.target``.
        headers: headers of the response.
        details: ``error.details``; ``{text}`` is the error's own text.

    """

    status: int
    code: str
    origin: Origin
    text: str
    inner: str = ""
    target: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    details: tuple[Mapping[str, str], ...] = ()

    def __post_init__(self) -> None:
        """Note the row in the table."""
        TABLE.append(self)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the values the row needs, in the order of their first occurrence."""
        templates = [self.text, self.target, *self.headers.values()]
        templates += [text for detail in self.details for text in detail.values()]
        found = (name for template in templates for _, name, _, _ in Formatter().parse(template) if name)
        return tuple(name for name in dict.fromkeys(found) if name != "text")

    def __call__(self, *values: object, **named: object) -> "AzureError":
        """Return the error with its values.

        Raises:
            TypeError: a value is missing, superfluous or given twice.

        """
        names = self.names
        given = {**dict(zip(names, values, strict=False)), **named}
        if len(values) + len(named) != len(names) or given.keys() != set(names):
            raise TypeError(f"{self.code} needs {', '.join(names) or 'no value'}")
        return AzureError(self, given)


class AzureError(Exception):
    """A refusal, as Azure sends it.

    Attributes:
        row: the row of the table it is made from.
        problem: the text without the mark of the sandbox.
        message: ``error.message``.
        headers: headers of the response.

    """

    def __init__(self, row: ErrorRow, values: Mapping[str, object]) -> None:
        """Fill in the templates of `row`."""
        self.row = row
        self.status = row.status
        self.code = row.code
        self.problem = row.text.format(**values)
        self.message = f"{OWN}{self.problem}" if row.origin.source is Source.OURS else self.problem
        super().__init__(f"{self.code}: {self.message}")
        self.target = row.target.format(**values)
        self.headers = {name: text.format(**values) for name, text in row.headers.items()}
        filled = {**values, "text": self.message}
        self.details: list[Json] = [{key: text.format(**filled) for key, text in each.items()} for each in row.details]
        self.additional_info: list[Json] = []

    def because(self, *details: Json) -> "AzureError":
        """Return this error with the errors that caused it as ``details``."""
        self.details = list(details)
        return self

    def with_info(self, info: list[Json]) -> "AzureError":
        """Return this error with ``additionalInfo``."""
        self.additional_info = info
        return self

    def error(self) -> Json:
        """Return the ``error`` object, which is also that of a failed operation."""
        return dict(self._parts())

    def _parts(self) -> Iterator[tuple[str, Any]]:
        yield "code", self.code
        if self.target:
            yield "target", self.target
        yield "message", self.message
        if self.details:
            yield "details", self.details
        if self.row.inner:
            yield "innererror", {"code": self.row.inner}
        if self.additional_info:
            yield "additionalInfo", self.additional_info

    def body(self) -> Json:
        """Return the body of the response."""
        return {"error": self.error()}

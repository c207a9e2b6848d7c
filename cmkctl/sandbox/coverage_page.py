"""Generates the tables of docs/sandbox.md: coverage of each provider, faults, and errors whose wording is unpublished."""

from collections.abc import Iterable

from cmkctl.sandbox.core import faults, registry
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.refusal import TABLE, Source
from cmkctl.sandbox.planes import entra, graph, storage, vault

BEGIN = "<!-- made from the COVERAGE constants in cmkctl/sandbox; do not edit by hand -->"
FAULTS = "<!-- made from cmkctl/sandbox/faults.py; do not edit by hand -->"
TEXTS = "<!-- made from cmkctl/sandbox/core/errors.py; do not edit by hand -->"
END = "<!-- end of what is made -->"


def rows(declared: Iterable[Area]) -> list[Area]:
    """Return one row for each area, in the order in which they first occur."""
    found: dict[str, Area] = {}
    for area in declared:
        found[area.name] = found[area.name].with_more(area) if area.name in found else area
    return list(found.values())


def table(shown: Iterable[Area]) -> str:
    """Return the Markdown table of the areas."""
    lines = ["| area | supported | differs from Azure | not modelled | guesses |", "|---|---|---|---|---|"]
    for area in shown:
        cells = (area.supported, area.differs, area.not_modelled, area.guesses)
        lines.append(" | ".join([f"| {area.name}", *(_cell(each) for each in cells)]) + " |")
    return "\n".join(lines)


def _cell(sentences: tuple[str, ...]) -> str:
    return "<br>".join(sentence.replace("|", "\\|") for sentence in sentences) or "-"


def areas() -> list[Area]:
    """Return every area: those of the planes and of the providers, then time and faults."""
    provided = [area for provider in registry.providers() for area in provider.coverage]
    return rows((entra.COVERAGE, graph.COVERAGE, *provided, vault.COVERAGE, storage.COVERAGE, faults.COVERAGE))


def fault_table() -> str:
    """Return the Markdown table of the faults."""
    lines = ["| fault | how often | what happens |", "|---|---|---|"]
    for kind in faults.KINDS.values():
        often = "once" if kind.times == 1 else "always" if kind.times == 0 else f"{kind.times} times"
        lines.append(f"| `{kind.name}` | {often} | {kind.summary} |")
    return "\n".join(lines)


def unpublished_table() -> str:
    """Return the Markdown table of the errors whose wording is the sandbox's, wholly or in part."""
    registry.providers()  # a provider's own rows are declared when it is imported
    lines = ["| status | code | text | what is known |", "|---|---|---|---|"]
    # Sorted: their order of declaration depends on which module was imported first.
    for row in sorted(TABLE, key=lambda each: (each.status, each.code, each.text)):
        if row.origin.source in {Source.OURS, Source.PARTLY}:
            text = " ".join(row.text.split()).replace("|", "\\|")
            known = row.origin.where or "the refusal only"
            lines.append(f"| {row.status} | `{row.code}` | {text} | {known} |")
    return "\n".join(lines)


def page(text: str) -> str:
    """Return a page with the tables in it brought up to date; each stands between two comments."""
    for begin, made in ((BEGIN, table(areas())), (FAULTS, fault_table()), (TEXTS, unpublished_table())):
        before, _, rest = text.partition(begin)
        after = rest.partition(END)[2]
        text = f"{before}{begin}\n\n{made}\n\n{END}{after}"
    return text

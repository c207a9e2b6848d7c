"""The tables of docs/sandbox.md, made from what each module declares of itself (`cmkctl.sandbox.core.coverage`)."""

from collections.abc import Iterable
from types import ModuleType

from cmkctl.sandbox import deployments
from cmkctl.sandbox.core import faults
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.planes import entra, graph, vault
from cmkctl.sandbox.planes.tables import ARM_MODULES

BEGIN = "<!-- made from the COVERAGE constants in cmkctl/sandbox; do not edit by hand -->"
FAULTS = "<!-- made from cmkctl/sandbox/faults.py; do not edit by hand -->"
END = "<!-- end of what is made -->"


def of(module: ModuleType) -> tuple[Area, ...]:
    """Return the areas a module declares; none when it declares none."""
    declared: Area | tuple[Area, ...] = getattr(module, "COVERAGE", ())
    return (declared,) if isinstance(declared, Area) else declared


def rows(modules: Iterable[ModuleType]) -> list[Area]:
    """Return one row an area, in the order in which modules first name them."""
    found: dict[str, Area] = {}
    for module in modules:
        for area in of(module):
            found[area.name] = found[area.name].with_more(area) if area.name in found else area
    return list(found.values())


def table(areas: Iterable[Area]) -> str:
    """Return the Markdown table of the areas."""
    lines = ["| area | supported | differs from Azure | not modelled | guesses |", "|---|---|---|---|---|"]
    for area in areas:
        cells = (area.supported, area.differs, area.not_modelled, area.guesses)
        lines.append(" | ".join([f"| {area.name}", *(_cell(each) for each in cells)]) + " |")
    return "\n".join(lines)


def _cell(sentences: tuple[str, ...]) -> str:
    return "<br>".join(sentence.replace("|", "\\|") for sentence in sentences) or "-"


def modules() -> tuple[ModuleType, ...]:
    """Return every module that may declare an area, in the order of the table."""
    return (entra, graph, *ARM_MODULES, deployments, vault, faults)


def fault_table() -> str:
    """Return the Markdown table of the faults."""
    lines = ["| fault | how often | what happens |", "|---|---|---|"]
    for kind in faults.KINDS.values():
        often = "once" if kind.times == 1 else "always" if kind.times == 0 else f"{kind.times} times"
        lines.append(f"| `{kind.name}` | {often} | {kind.summary} |")
    return "\n".join(lines)


def page(text: str) -> str:
    """Return a page with the tables in it brought up to date; each stands between two comments."""
    for begin, made in ((BEGIN, table(rows(modules()))), (FAULTS, fault_table())):
        before, _, rest = text.partition(begin)
        after = rest.partition(END)[2]
        text = f"{before}{begin}\n\n{made}\n\n{END}{after}"
    return text

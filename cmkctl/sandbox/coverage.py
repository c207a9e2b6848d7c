"""How far the sandbox goes, said once next to what goes that far: docs/sandbox.md's table is made from it.

Each module that answers requests has a constant ``COVERAGE``, an `Area` or several. Modules of one area (its name) are one
row of the table. To add a fact, add a sentence to the module's constant and run ``python tests/docs/docs_support.py``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from types import ModuleType

BEGIN = "<!-- made from the COVERAGE constants in cmkctl/sandbox; do not edit by hand -->"
FAULTS = "<!-- made from cmkctl/sandbox/faults.py; do not edit by hand -->"
END = "<!-- end of what is made -->"


@dataclass(frozen=True)
class Area:
    """A part of Azure, and how far the sandbox models it. Each sentence is one line of a cell of the table.

    Attributes:
        name: the row it belongs to.
        supported: what works as in Azure.
        differs: what works, and otherwise than in Azure; each says both.
        not_modelled: what is refused as ``SandboxNotModelled``.
        guesses: what the sandbox does because it has to do something: nobody has published what Azure does.

    """

    name: str
    supported: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()
    not_modelled: tuple[str, ...] = ()
    guesses: tuple[str, ...] = ()

    def with_more(self, other: "Area") -> "Area":
        """Return this row with another module's sentences after its own."""
        return Area(
            self.name,
            self.supported + other.supported,
            self.differs + other.differs,
            self.not_modelled + other.not_modelled,
            self.guesses + other.guesses,
        )


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
    # The modules import this one for their constants.
    from cmkctl.sandbox import deployments, entra, faults, graph, keyvault  # noqa: PLC0415
    from cmkctl.sandbox.routes import ARM_MODULES  # noqa: PLC0415

    return (entra, graph, *ARM_MODULES, deployments, keyvault, faults)


def faults() -> str:
    """Return the Markdown table of the faults."""
    from cmkctl.sandbox.faults import KINDS  # noqa: PLC0415  it imports this module for its constant

    lines = ["| fault | how often | what happens |", "|---|---|---|"]
    for kind in KINDS.values():
        often = "once" if kind.times == 1 else "always" if kind.times == 0 else f"{kind.times} times"
        lines.append(f"| `{kind.name}` | {often} | {kind.summary} |")
    return "\n".join(lines)


def page(text: str) -> str:
    """Return a page with the tables in it brought up to date; each stands between two comments."""
    for begin, made in ((BEGIN, table(rows(modules()))), (FAULTS, faults())):
        before, _, rest = text.partition(begin)
        after = rest.partition(END)[2]
        text = f"{before}{begin}\n\n{made}\n\n{END}{after}"
    return text

"""Coverage: how far each part of the sandbox models Azure. The table of docs/sandbox.md is generated from it.

Each module that answers requests has a constant ``COVERAGE``, an `Area` or several. Modules of one area (its name) are one
row of the table. To add a fact, add a sentence to the module's constant and run ``python tests/support/docs.py``.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Area:
    """A part of Azure, and how far the sandbox models it. Each sentence is one line of a cell of the table.

    Attributes:
        name: the row it belongs to.
        supported: what works as in Azure.
        differs: what works in another way than in Azure; each sentence states both.
        not_modelled: what is refused as ``SandboxNotModelled``.
        guesses: behaviour that is unpublished for Azure and chosen for the sandbox.

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

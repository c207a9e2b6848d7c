"""Files of the services' folders (``tests/services/NAME``) that belong to tests of other folders.

A service brings what these tests need to know of its sandbox provider, so that it touches no list of theirs:

    refusals.yaml     the refusals that only this provider gives, in the lists of ``tests/invariants/refusals.yaml``
    examples.yaml     a resource of each type that it writes, for ``tests/sandbox/test_sandbox_send_back.py``;
                      with ``location: null`` where it has none
    recordings.yaml   the outcome of recordings, and known differences, for ``tests/contract``
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

FOLDER: Final = Path(__file__).parents[1] / "services"


def files(name: str) -> list[Path]:
    """Return the files of this name, in the order of the services' names."""
    return sorted(FOLDER.glob(f"*/{name}"))


def pages(name: str, **replaced: str) -> list[Any]:
    """Return the contents of the files of this name, with words in capitals replaced."""
    found = []
    for path in files(name):
        text = path.read_text(encoding="utf-8")
        for word, value in replaced.items():
            text = text.replace(word, value)
        found.append(yaml.safe_load(text))
    return found

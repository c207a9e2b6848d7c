"""One key pair for all versions: making one takes a second, and no test of this folder looks at it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cmkctl.sandbox.planes.vault import material


@pytest.fixture(scope="session", autouse=True)
def one_key_pair() -> Iterator[None]:
    """Give every version the first key pair that is made for its type and size."""
    made: dict[str, Any] = {}
    generate = material._generate

    def once(properties: Any) -> Any:
        kind = f"{properties['kty']} {properties.get('keySize')}"
        return made.setdefault(kind, made.get(kind) or generate(properties))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(material, "_generate", once)
        yield

"""A way to write a profile, load it, and see what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from cmkctl.diagnostics import Diagnostic, ProfileError
from cmkctl.profile.load import LoadedProfile, load_profile

SUBSCRIPTION = "11112222-3333-4444-5555-666677778888"

GOOD = f"""\
subscription: {SUBSCRIPTION}
location: eastus2
resource_group: rg-ml
key_vault:
  name: kv-ml
key:
  name: cmk-ml
workspace:
  name: mlw-prod
  high_business_impact: true
  encryption: in-subscription
"""
"""The least that is valid; lines are counted from 1."""


class Files:
    """Profiles in a folder of the test's own, and their loading. Places are shown without the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, text: str, name: str = "profile.yaml") -> Path:
        """Write a profile and return its path."""
        path = self.folder / name
        path.write_text(text if text.startswith("subscription") else dedent(text), encoding="utf-8")
        return path

    def load(
        self,
        text: str = GOOD,
        *,
        overrides: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
    ) -> LoadedProfile:
        """Write and load a profile."""
        return load_profile(self.write(text), overrides=overrides, environ=environ or {})

    def problems(self, text: str = GOOD, **options: Any) -> tuple[Diagnostic, ...]:
        """Return the diagnostics of a bad profile; fails when it loads."""
        with pytest.raises(ProfileError) as caught:
            self.load(text, **options)
        return caught.value.diagnostics

    def the_problem(self, text: str = GOOD, **options: Any) -> Diagnostic:
        """Return the only diagnostic of a bad profile."""
        found = self.problems(text, **options)
        assert len(found) == 1, found
        return found[0]

    def place(self, diagnostic: Diagnostic) -> str:
        """Return a diagnostic's place, without the folder."""
        return str(diagnostic.location).replace(f"{self.folder}/", "")

"""The run of ``cmkctl encrypt``: the profile with the resources of the command line, planned and applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from cmkctl import codes
from cmkctl.cli.options import Options
from cmkctl.cli.procedure import apply
from cmkctl.diagnostics import ProfileError
from cmkctl.procedures import named
from cmkctl.profile.load import LoadedProfile
from cmkctl.saved_plan import load_only_profile
from cmkctl.services import SettingsNeededError


def encrypt(options: Options) -> int:
    """Put the key on the resources of the profile and of the command line. Returns the exit code."""

    def load(path: Path, *, overrides: Sequence[str], environ: Mapping[str, str]) -> LoadedProfile:
        loaded = load_only_profile(path, overrides=overrides, environ=environ)
        return _with_resources(loaded, options.resources)

    return apply(options, named("encrypt"), load)


def _with_resources(loaded: LoadedProfile, resource_ids: Sequence[str]) -> LoadedProfile:
    """Add resources to those under ``services``. Raises ProfileError (CMK008) for one that cmkctl puts no key on."""
    try:
        services = loaded.profile.services.with_resources(resource_ids)
    except SettingsNeededError as error:
        raise ProfileError(codes.CMK008.error(f"--resource {error}", "docs/profiles.md describes them.")) from None
    except ValueError as error:
        raise ProfileError(
            codes.CMK008.error(f"--resource {error}", "Find the id with: az resource list --query '[].id' --output tsv")
        ) from None
    return replace(loaded, profile=loaded.profile.model_copy(update={"services": services}))

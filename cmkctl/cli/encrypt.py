"""``cmkctl encrypt``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmkctl.cli.options import CONNECTING, REPORTING, Options, takes

if TYPE_CHECKING:
    from cmkctl.cli.run import Load


@takes("profile", "resources", "yes", "dry_run", "out", *CONNECTING, "requests", *REPORTING)
def command(options: Options) -> int:
    """Put the key on the resources that the profile names under services. Prompts on a terminal; requires --yes otherwise."""
    from cmkctl.cli.procedure import apply  # noqa: PLC0415 - --help imports no SDK
    from cmkctl.procedures import named  # noqa: PLC0415 - see above

    return apply(options, named("encrypt"), _load(options.resources))


def _load(resources: list[str]) -> Load:
    """Return a loader of profiles that adds resources to those under ``services``."""
    from dataclasses import replace  # noqa: PLC0415 - see above
    from typing import Any  # noqa: PLC0415 - see above

    from cmkctl import codes  # noqa: PLC0415 - see above
    from cmkctl.diagnostics import ProfileError  # noqa: PLC0415 - see above
    from cmkctl.profile.load import LoadedProfile  # noqa: PLC0415 - see above
    from cmkctl.saved_plan import load_only_profile  # noqa: PLC0415 - see above

    def load(path: Any, **given: Any) -> LoadedProfile:
        loaded = load_only_profile(path, **given)
        try:
            services = loaded.profile.services.with_resources(resources)
        except ValueError as error:
            raise ProfileError(
                codes.CMK008.error(f"--resource {error}", "Give the ARM id of such a resource.")
            ) from None
        return replace(loaded, profile=loaded.profile.model_copy(update={"services": services}))

    return load

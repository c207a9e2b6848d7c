"""Record the tapes of this folder anew, from the sandbox.

    python tests/recordings/record.py

Look at `git diff` and commit what you can explain. Each tape is one run of the command line, in the order below, so that
what one has made is there for the next.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cmkctl.sandbox import SUBSCRIPTION_ID, Pace, Sandbox

HERE = Path(__file__).parent
SUBSCRIPTION = SUBSCRIPTION_ID


@dataclass(frozen=True)
class Scene:
    """One tape: the command that is recorded, with its profile and overrides."""

    tape: str
    command: str
    profile: str
    more: tuple[str, ...] = ()

    @property
    def arguments(self) -> list[str]:
        """The command line, apart from where it is recorded or replayed."""
        return [self.command, str(HERE.parents[1] / "profiles" / f"{self.profile}.yaml"), *self.more]

    @property
    def path(self) -> Path:
        """The tape."""
        return HERE / f"{self.tape}.json"


SCENES = (
    Scene("new-workspace-plan", "plan", "quickstart"),
    Scene("new-workspace-apply", "apply", "quickstart", ("--yes",)),
    Scene("converged-plan", "plan", "quickstart"),
    Scene("existing-vault-plan", "plan", "existing-vault"),
)


def record(scene: Scene, environment: dict[str, str], folder: Path) -> None:
    """Run a scene and keep its tape; when the run fails, the tape that was there stays. Raises CalledProcessError."""
    tape = folder / scene.path.name
    command = [sys.executable, "-m", "cmkctl", *scene.arguments, "--record", str(tape)]
    subprocess.run(command, env={**os.environ, **environment}, check=True, stdout=subprocess.DEVNULL)
    scene.path.write_text(tape.read_text(encoding="utf-8"), encoding="utf-8")


def main() -> None:
    """Record every scene, one after the other, against one sandbox."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Sandbox(Path(folder) / "sandbox.json", Pace.none()).serve() as running,
    ):
        vault = running.state.add_vault("kv-central-cmk", "rg-security", purge_protection=False)
        running.state.add_access_policy(vault, "c0ffee00-0000-4000-8000-00000000f001", ("get", "list"))
        for scene in SCENES:
            record(scene, running.environment(), Path(folder))


if __name__ == "__main__":
    main()

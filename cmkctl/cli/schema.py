"""``cmkctl schema``."""

from __future__ import annotations

import json
import sys

from cmkctl.profile.file_schema import profile_schema


def command() -> int:
    """Print the JSON Schema of profiles, for editors and for checks."""
    sys.stdout.write(json.dumps(profile_schema(), indent=2, ensure_ascii=False) + "\n")
    return 0

"""What the contract tests share with the tests of the sandbox: its plain HTTP client."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "sandbox"))

"""``cmkctl list`` as a user runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.estate import estate, put


def test_lines_for_people_and_for_scripts(azure: Any, tmp_path: Path) -> None:
    """One query. The same exchanges from a tape give the same lines; the report has every request."""
    put(azure.running.state, *estate(3))
    tape, report = tmp_path / "tape.json", tmp_path / "report.json"

    people = azure("list", "--key", "https://kv-0001.vault.azure.net/keys/cmk")
    script = azure("list", "--json", "--record", tape, "--report", report)
    again = azure.command("list", "--json", "--replay", tape)

    assert (0, 0, 0) == (people.code, script.code, again.code), people.err + script.err + again.err
    assert "1 workspace with key https://kv-0001.vault.azure.net/keys/cmk." in people.out
    assert [] == [line for line in people.out.splitlines() if len(line) > 80]
    assert ["mlw-0000", "mlw-0001", "mlw-0002"] == [
        row["resource_id"].rpartition("/")[2] for row in script.of("workspace")
    ]
    assert [{**each, "at": ""} for each in script.of("workspace")] == [
        {**each, "at": ""} for each in again.of("workspace")
    ]
    assert 2 == [each.path for each in azure.running.requests].count("/providers/Microsoft.ResourceGraph/resources")
    assert "Microsoft.ResourceGraph/resources" in report.read_text(encoding="utf-8")
    assert [] == azure.writes()


def test_a_subscription_that_does_not_exist_is_denied(azure: Any) -> None:
    """Resource Graph does not distinguish it from one that may not be read; the exit code is that of a failure."""
    ran = azure("list", "--subscription", "00000000-0000-0000-0000-000000000001")

    assert (1, "") == (ran.code, ran.out)
    assert "CMK303" in ran.err
    assert "az account list" in ran.err

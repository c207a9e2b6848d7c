"""Shares the plain HTTP client of the sandbox's tests with the contract tests, and prints their summary."""

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how much of each recording was reproduced."""
    from contract_baseline import table  # noqa: PLC0415  not needed by every run

    reports = [each for kind in ("passed", "failed") for each in terminalreporter.stats.get(kind, [])]
    rows = dict(value for each in reports for name, value in getattr(each, "user_properties", ()) if name == "contract")
    if rows:
        terminalreporter.section("recordings of the real Azure, replayed to the sandbox")
        terminalreporter.write_line(table(rows))

"""What each test file takes of the processor, beside what it took when `make test-times` wrote that down.

A plugin of pytest. Its last lines inform and fail nothing, as machines differ: what is compared are shares of the whole.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path

import pytest

from testing import warm

TIMES = Path(__file__).resolve().parent / "times.json"
GROWN = 1.2
"""From which factor on a file is named."""
SMALL = 5.0
"""Seconds below which nobody cares."""
_NAME = "cpu"


def _cpu() -> float:
    """Returns the seconds of CPU that this process, what it has started warm and the children it has waited for have used."""
    return sum(os.times()[:4]) + warm.spent()


class Times:
    """Sums up seconds of CPU by test file; with xdist, in the process that the workers report to."""

    def __init__(self, write: bool) -> None:
        self._write = write
        self._last = _cpu()
        self._files: dict[str, float] = defaultdict(float)
        self._tests = 0

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Notes what was used since the last report: fixtures count for the test that first asks for them."""
        report = yield
        now = _cpu()
        report.user_properties = [*report.user_properties, (_NAME, now - self._last)]
        self._last = now
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Adds a report to its file."""
        self._files[report.nodeid.partition("::")[0]] += float(str(dict(report.user_properties).get(_NAME, 0)))
        self._tests += report.when == "call"

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Writes the table, or says what has grown."""
        if self._write:
            table = {file: round(seconds, 1) for file, seconds in sorted(self._files.items())}
            TIMES.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
        terminalreporter.write_line(f"{sum(self._files.values()):.0f} s of CPU in {self._tests} tests")
        for line in grown(self._files, json.loads(TIMES.read_text(encoding="utf-8"))):
            terminalreporter.write_line(line)


def grown(now: dict[str, float], before: dict[str, float]) -> list[str]:
    """Returns a line for each file whose time has grown by a fifth, the files in both tables taken as a whole.

    Args:
        now: seconds of CPU by file.
        before: the same of the table.
    """
    both = now.keys() & before.keys()
    machine = sum(now[file] for file in both) / (sum(before[file] for file in both) or 1) or 1
    return [
        f"{file}: {seconds:.0f} s of CPU, {before[file] * machine:.0f} s by testing/times.json"
        for file, seconds in sorted(now.items())
        if file in both and seconds > max(SMALL, GROWN * before[file] * machine)
    ]

"""`make test-routing`: every case of routing, the heavy ones too, as a table. Template's file: do not edit.

The columns: the case, whether its tests pass, how many there are and how long they took, and how many requests the host and
LiteLLM have had in them. What a real proxy of LiteLLM gets is not counted.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

COLUMNS = ("case", "outcome", "tests", "seconds", "host", "litellm")
_NUMBERED = re.compile(r"test_case_(\d\d)_")


@dataclass
class Row:
    """What came of a case."""

    outcomes: set[str] = field(default_factory=set)
    tests: int = 0
    seconds: float = 0.0
    requests: dict[str, int] = field(default_factory=dict)

    @property
    def outcome(self) -> str:
        """The worst of its tests' outcomes."""
        return next((one for one in ("failed", "skipped") if one in self.outcomes), "passed")


class Rows:
    """A plugin of pytest's that gathers the rows."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Adds what a part of a test came to."""
        name = report.nodeid.partition("[")[0].rpartition("::")[2]
        numbered = _NUMBERED.match(name)
        row = self.rows.setdefault(numbered[1] if numbered else name.removeprefix("test_").replace("_", " "), Row())
        row.seconds += report.duration
        if report.when == "call" or report.outcome != "passed":
            row.outcomes.add(report.outcome)
        if report.when == "setup":
            row.tests += 1
        if report.when == "teardown":
            for key, value in report.user_properties:
                counted: Any = value
                for side, number in counted.items() if key == "requests" else ():
                    row.requests[side] = row.requests.get(side, 0) + number


def in_columns(rows: dict[str, Row]) -> str:
    """Returns rows as a table, cases by their numbers and faults after them."""
    lines = [list(COLUMNS)]
    for name in sorted(rows, key=lambda name: (not name.isdigit(), name)):
        row = rows[name]
        sides = [str(row.requests.get(side, 0)) for side in ("host", "litellm")]
        lines.append([name, row.outcome, str(row.tests), f"{row.seconds:.1f}", *sides])
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def main(arguments: list[str]) -> int:
    """Runs the tests, prints the table and returns pytest's exit status; 1 when a case has no test.

    Args:
        arguments: further ones for pytest.
    """
    rows = Rows()
    folder = str(Path(__file__).parent)
    status = pytest.main(["-q", "-p", "no:cacheprovider", "-m", "slow or not slow", folder, *arguments], plugins=[rows])
    sys.stdout.write(f"\n{in_columns(rows.rows)}\n")
    missing = [number for number in range(1, 44) if f"{number:02}" not in rows.rows]
    if missing and not arguments:
        sys.stdout.write(f"No test of: {', '.join(map(str, missing))}.\n")
    return int(status) or int(bool(missing and not arguments))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Interleaved rounds, and what is read from them.

The machine is shared and its speed changes from second to second. So in a round every contender has its
turn, in an order of chance, and what is compared is what stood side by side: ratios and differences are
taken within a round, and their median over the rounds is what counts. Processor time, which a process is not
charged for while it has to wait for others, goes along with time on the clock.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from statistics import median
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass
class Times:
    """Seconds by contender, one for each round, in the order of rounds."""

    clock: dict[str, list[float]]
    processor: dict[str, list[float]]

    def add(self, name: str, clock: float, processor: float = 0.0) -> None:
        """Adds one contender's turn of a round."""
        self.clock[name].append(clock)
        self.processor[name].append(processor)

    @classmethod
    def of(cls, names: Iterable[str]) -> Times:
        """Returns times that are still to come, in the order that the tables shall have."""
        names = list(names)
        return cls({name: [] for name in names}, {name: [] for name in names})

    def as_json(self) -> dict[str, Any]:
        """Returns what `Times(**content)` reads."""
        return asdict(self)


def turns(contenders: Sequence[T], rounds: int) -> Iterator[tuple[int, T]]:
    """Yields each round's number with each contender, in an order of the round's own, the same in every run."""
    for number in range(rounds):
        for contender in Random(number).sample(contenders, len(contenders)):  # noqa: S311
            yield number, contender


def ratio(times: Mapping[str, list[float]], one: str, other: str) -> float:
    """Returns the median, over the rounds, of how many times as long one contender took as another."""
    return median(a / b for a, b in zip(times[one], times[other], strict=True))


def difference(times: Mapping[str, list[float]], one: str, other: str) -> float:
    """Returns the median, over the rounds, of how many seconds longer one contender took than another."""
    return median(a - b for a, b in zip(times[one], times[other], strict=True))


def timed(command: Sequence[str | Path], cwd: Path) -> float:
    """Returns the seconds that a command took on the clock; it has to succeed."""
    parts = [str(part) for part in command]
    started = time.perf_counter()
    done = subprocess.run(
        parts,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    spent = time.perf_counter() - started
    if done.returncode:
        sys.exit(f"`{' '.join(parts)}` ended with {done.returncode}:\n{done.stderr.decode()}")
    return spent

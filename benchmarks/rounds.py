"""Interleaved rounds, and what is read from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median
from typing import TypeVar

Times = dict[str, list[float]]
"""Seconds by contender, one for each round, in the order of rounds."""

T = TypeVar("T")


def turns(field: Sequence[T], rounds: int) -> Iterator[T]:
    """Yields every contender once in a round; each round begins with the next one."""
    for number in range(rounds):
        first = number % len(field)
        yield from field[first:]
        yield from field[:first]


def ratio(times: Times, one: str, other: str) -> float:
    """Returns the median, over the rounds, of how many times as long one contender took as another."""
    return median(a / b for a, b in zip(times[one], times[other], strict=True))


def difference(times: Times, one: str, other: str) -> float:
    """Returns the median, over the rounds, of how many seconds longer one contender took than another."""
    return median(a - b for a, b in zip(times[one], times[other], strict=True))

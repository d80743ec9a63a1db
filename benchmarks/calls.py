"""Measures calls and streams of all contenders; runs in the environment of the rendered package.

`python -m benchmarks.calls <scale>` prints the times of each row, in seconds for one call or one stream, as
JSON. In a round every contender has its turn, the next round begins with another one, and all rounds are
kept: what is compared later is what stood side by side.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from benchmarks import upstream
from benchmarks.contenders import Contender, contenders
from benchmarks.rounds import Times, turns

_AT_ONCE = 64


@dataclass(frozen=True)
class Row:
    """What is measured: `together` of them at a time, `repeats` batches in a turn, for so many rounds."""

    name: str
    streamed: bool
    asynchronous: bool
    together: int
    repeats: int
    rounds: int


ROWS = (
    Row("call, sync, 1 at a time", False, False, 1, 10, 40),
    Row("call, async, 1 at a time", False, True, 1, 10, 40),
    Row("call, sync, 64 at a time", False, False, _AT_ONCE, 1, 20),
    Row("call, async, 64 at a time", False, True, _AT_ONCE, 1, 20),
    Row("stream, sync, 1 at a time", True, False, 1, 1, 25),
    Row("stream, async, 1 at a time", True, True, 1, 1, 25),
    Row("stream, sync, 64 at a time", True, False, _AT_ONCE, 1, 3),
    Row("stream, async, 64 at a time", True, True, _AT_ONCE, 1, 3),
)


def measure(row: Row, field: Sequence[Contender], rounds: int, runner: asyncio.Runner) -> Times:
    """Returns the times of one row, by contender."""
    times: Times = {contender.name: [] for contender in field}
    pool = ThreadPoolExecutor(row.together)
    for contender in turns(field, rounds + 1):  # the first round warms up
        gc.collect()
        if row.asynchronous:
            work = contender.astream if row.streamed else contender.acall
            spent = runner.run(_async_turn(work, row))
        else:
            spent = _turn(contender.stream if row.streamed else contender.call, row, pool)
        times[contender.name].append(spent / row.repeats / row.together)
    pool.shutdown()
    return {name: spent[1:] for name, spent in times.items()}


def _turn(work: Callable[[], str], row: Row, pool: ThreadPoolExecutor) -> float:
    started = time.perf_counter()
    for _ in range(row.repeats):
        texts = [work()] if row.together == 1 else list(pool.map(lambda _: work(), range(row.together)))
    spent = time.perf_counter() - started
    _check(texts, row)
    time.sleep(0.02)  # for what LiteLLM still does in the background
    return spent


async def _async_turn(work: Callable[[], Awaitable[str]], row: Row) -> float:
    started = time.perf_counter()
    for _ in range(row.repeats):
        texts = await asyncio.gather(*[work() for _ in range(row.together)])
    spent = time.perf_counter() - started
    _check(texts, row)
    await asyncio.sleep(0.02)
    return spent


def _check(texts: Sequence[str], row: Row) -> None:
    expected = upstream.CHUNKS if row.streamed else len(upstream.ANSWER.split())
    wrong = [text for text in texts if len(text.split()) != expected]
    if wrong:
        raise RuntimeError(f"{row.name}: expected {expected} words, got {wrong[0][:200]!r}")


def main(scale: float, only: str = "") -> None:
    """Runs all rows, or those whose name contains `only`, and prints them."""
    with upstream.running() as address, asyncio.Runner() as runner:
        field = contenders(address, "litellm_acme_ai", "acme-ai", "chat-large")
        rows = {}
        for row in ROWS:
            if only in row.name:
                rows[row.name] = measure(row, field, max(2, round(row.rounds * scale)), runner)
                print(row.name, file=sys.stderr)
    print(json.dumps(rows))


if __name__ == "__main__":
    main(float(sys.argv[1]), *sys.argv[2:])

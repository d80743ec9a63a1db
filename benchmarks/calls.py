"""Measures calls and streams of all contenders; runs in the environment of the rendered package.

`python -m benchmarks.calls <scale> [<part of a row's name>]` prints the times of each row, in seconds for one
call or one stream, as JSON. The scale multiplies the number of rounds.
"""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import upstream
from benchmarks.prepare import ROOT
from benchmarks.rounds import Times, turns

if TYPE_CHECKING:
    from benchmarks.contenders import Contender

PROVIDER = "provider"
OPENAI = "litellm openai/"
MINIMAL = "minimal CustomLLM"
_AT_ONCE = 64
_PAUSE = 0.02
"""Seconds; a process that did next to nothing for so long is done with what it does in the background."""


@dataclass(frozen=True)
class Row:
    """What is measured: `together` of them at a time, `repeats` batches in a turn, for so many rounds."""

    name: str
    streamed: bool
    asynchronous: bool
    together: int
    repeats: int
    rounds: int
    words: int | None = None
    """In the text of each, if not as many as the upstream says."""

    @property
    def number(self) -> int:
        """Calls or streams in one turn."""
        return self.together * self.repeats


ROWS = (
    Row("call, sync, 1 at a time", False, False, 1, 10, 60),
    Row("call, async, 1 at a time", False, True, 1, 10, 60),
    Row("call, sync, 64 at a time", False, False, _AT_ONCE, 1, 20),
    Row("call, async, 64 at a time", False, True, _AT_ONCE, 1, 20),
    Row("stream, sync, 1 at a time", True, False, 1, 1, 25),
    Row("stream, async, 1 at a time", True, True, 1, 1, 25),
    Row("stream, sync, 64 at a time", True, False, _AT_ONCE, 1, 3),
    Row("stream, async, 64 at a time", True, True, _AT_ONCE, 1, 3),
)


def run_rows(programs: Path, scale: float) -> dict[str, Times]:
    """Measures all rows in the environment with those programs.

    Args:
        programs: the environment's folder of programs.
        scale: factor of the number of rounds.
    """
    command = [str(programs / "python"), "-m", "benchmarks.calls", str(scale)]
    # LiteLLM reports its unclosed sessions when the interpreter ends: of no interest once all is measured.
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"The calls could not be measured:\n{done.stderr}")
    return {name: Times(**times) for name, times in json.loads(done.stdout).items()}


def measure(row: Row, contenders: Sequence[Contender], rounds: int, runner: asyncio.Runner) -> Times:
    """Measures one row.

    Args:
        row: what is done.
        contenders: who does it, by turns.
        rounds: how often, after a first round that is not counted.
        runner: runs what is asynchronous.

    Raises:
        RuntimeError: a contender lost a part of the answer.
    """
    times = Times.of(contender.name for contender in contenders)
    with ThreadPoolExecutor(row.together) as pool:
        for number, contender in turns(contenders, rounds + 1):
            gc.collect()
            cpu = time.process_time()
            if row.asynchronous:
                work = contender.astream if row.streamed else contender.acall
                spent = runner.run(_async_turn(work, row))
            else:
                spent = _turn(contender.stream if row.streamed else contender.call, row, pool)
            if number:  # the first round warms up
                times.add(contender.name, spent / row.number, (time.process_time() - cpu) / row.number)
    return times


def _turn(work: Callable[[], str], row: Row, pool: ThreadPoolExecutor) -> float:
    started = time.perf_counter()
    for _ in range(row.repeats):
        texts = [work()] if row.together == 1 else list(pool.map(lambda _: work(), range(row.together)))
    spent = time.perf_counter() - started
    _check(texts, row)
    busy = 0.0
    while time.process_time() - busy > _PAUSE / 10:
        busy = time.process_time()
        time.sleep(_PAUSE)
    return spent


async def _async_turn(work: Callable[[], Awaitable[str]], row: Row) -> float:
    started = time.perf_counter()
    for _ in range(row.repeats):
        texts = [await work()] if row.together == 1 else await asyncio.gather(*[work() for _ in range(row.together)])
    spent = time.perf_counter() - started
    _check(texts, row)
    busy = 0.0
    while time.process_time() - busy > _PAUSE / 10:
        busy = time.process_time()
        await asyncio.sleep(_PAUSE)
    return spent


def _check(texts: Sequence[str], row: Row) -> None:
    """Times mean nothing where a contender lost a part of the answer."""
    expected = row.words or (upstream.CHUNKS if row.streamed else len(upstream.ANSWER.split()))
    wrong = [text for text in texts if len(text.split()) != expected]
    if wrong:
        raise RuntimeError(f"{row.name}: expected {expected} words, got {wrong[0][:200]!r}")


def _main(scale: float, part: str = "") -> None:
    from benchmarks.contenders import make_contenders

    with upstream.running() as address, asyncio.Runner() as runner:
        contenders = make_contenders(address)
        # What was imported stays out of the garbage collector's way: its walks through LiteLLM's modules
        # take tenths of a second, and hit one contender or another by chance.
        gc.freeze()
        rows = {
            row.name: measure(row, contenders, max(2, round(row.rounds * scale)), runner).as_json()
            for row in ROWS
            if part in row.name
        }
    print(json.dumps(rows))


if __name__ == "__main__":
    _main(float(sys.argv[1]), *sys.argv[2:])

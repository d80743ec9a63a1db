"""Many calls at once, with a credential that has just gone stale. Template's file: do not edit.

`ConcurrentCalls` is what the tests and the table of `make test-auth` share.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from ...package import answers, package, registration
from ..calls import HELLO, aask, ask
from ..server import Upstream
from .account import Account

WORKER = Path(__file__).with_name("concurrency_worker.py")


@dataclass(frozen=True)
class ConcurrentCalls:
    """What came of many calls at once."""

    group: str
    calls: int
    token_requests: int
    """Credentials that were asked for, or taken into use, while they ran."""
    failures: int
    leaks: int
    """Secrets that turned up in what was logged and printed."""
    said: str
    """What was logged and printed."""


def concurrent_calls(account: Callable[[], Account], upstream: Upstream, model: str) -> Iterator[ConcurrentCalls]:
    """Yields what came of many async calls, of many threads, and of some processes.

    Args:
        account: opens an account, and lets the registered provider use it.
        upstream: what the calls go to.
        model: as callers name it.
    """
    yield _make_calls("200 async calls", account(), model, lambda said: _async_calls(model, 200, said))
    yield _make_calls("32 threads", account(), model, lambda said: _threads(model, 32, said))
    yield _make_calls("4 processes", account(), model, lambda said: _processes(upstream, model, 4, 5, said))


def _make_calls(
    group: str, account: Account, model: str, run: Callable[[io.StringIO], tuple[int, int]]
) -> ConcurrentCalls:
    said = io.StringIO()
    with everything_logged(said):
        account.make_stale(lambda: ask("sync", model))
        calls, failures = run(said)
    text = said.getvalue()
    leaks = sum(secret in text for secret in account.secrets)
    return ConcurrentCalls(group, calls, account.token_requests(), failures, leaks, text)


def _async_calls(model: str, count: int, said: io.StringIO) -> tuple[int, int]:
    async def call(number: int) -> bool:
        try:
            if number % 2 or "chat" not in answers.CAPABILITIES:
                await aask(model)
            else:
                async for _ in await aask(model, stream=True):
                    continue
        except Exception:
            said.write(traceback.format_exc())
            return False
        return True

    async def all_calls() -> list[bool]:
        return await asyncio.gather(*(call(number) for number in range(count)))

    return count, asyncio.run(all_calls()).count(False)


def _threads(model: str, count: int, said: io.StringIO) -> tuple[int, int]:
    """Half of the threads have an event loop of their own."""
    start = threading.Barrier(count)
    done: list[bool] = []

    def call(number: int) -> None:
        start.wait(30)
        try:
            if number % 2:
                ask("sync", model)
            else:
                asyncio.run(aask(model))
        except Exception:
            said.write(traceback.format_exc())
        else:
            done.append(True)

    threads = [threading.Thread(target=call, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return count, count - len(done)


def _processes(upstream: Upstream, model: str, count: int, each: int, said: io.StringIO) -> tuple[int, int]:
    last = upstream.requests[-1]  # as the provider sends it; what is left out may have another credential
    config: Any = next(iter(registration.register().drivers.values())).config
    form = not isinstance(last.body, dict | None)  # as edits of images are; those have no headers of a transformation's
    headers = (
        {} if form else config.validate_environment({}, model.split("/", 1)[1], HELLO, {}, {}, api_base=upstream.url)
    )
    path, _, query = last.path.partition("?")
    own = getattr(answers, "API_KEY_QUERY", "")
    sent = json.dumps(
        {
            "method": last.method,
            "path": path,
            "params": [[name, value] for name, value in parse_qsl(query) if name != own],
            "headers": {name.lower(): value for name, value in headers.items()}
            | {"content-type": last.headers.get("content-type", "application/json")},
            "body": last.body.decode("latin-1") if form else json.dumps(last.body) if last.body else "",
        }
    )
    workers = [start_worker(upstream, each) for _ in range(count)]
    for worker in workers:
        assert worker.stdout is not None
        worker.stdout.readline()  # it is ready
    good = 0
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write(sent + "\n")
        worker.stdin.flush()
    for worker in workers:
        output, _ = worker.communicate(timeout=60)
        said.write(output)
        good += output.count("status=200")
    return count * each, count * each - good


def start_worker(upstream: Upstream, calls: int) -> subprocess.Popen[str]:
    """Starts a process that makes calls with the provider's authentication once it reads what to send."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(
        [sys.executable, str(WORKER), package.__name__, upstream.url, str(calls)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    )


@contextmanager
def everything_logged(said: io.StringIO) -> Iterator[None]:
    """Writes what anybody logs at any level, with tracebacks, into a text."""
    handler = logging.StreamHandler(said)
    loggers = [logging.getLogger(name) for name in ("", "LiteLLM", "LiteLLM Proxy", "LiteLLM Router")]
    before = [(logger.level, list(logger.handlers)) for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
        logger.handlers[:] = [handler]
    try:
        yield
    finally:
        for logger, (level, handlers) in zip(loggers, before, strict=True):
            logger.setLevel(level)
            logger.handlers[:] = handlers

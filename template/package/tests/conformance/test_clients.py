"""Clients: one for a process or an event loop, with the settings of the environment. Template's file: do not edit."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import litellm
import pytest
from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler, HTTPHandler

from ..package import answers, package, transport
from .calls import HELLO, MODES, Mode, ask
from .conftest import KEY
from .server import Upstream


async def many(model: str, count: int) -> list[Any]:
    """Returns the answers to calls that are made at the same time."""
    calls = [litellm.acompletion(model=model, messages=[{"role": "user", "content": str(n)}]) for n in range(count)]
    return list(await asyncio.gather(*calls))


def test_many_threads(upstream: Upstream, model: str) -> None:
    with ThreadPoolExecutor(16) as threads:
        made = list(threads.map(lambda _: ask("sync", model).choices[0].message.content, range(64)))
    assert made == ["You said: hello"] * 64


def test_many_calls_in_one_loop(upstream: Upstream, model: str) -> None:
    found = asyncio.run(many(model, 64))
    assert [answer.choices[0].message.content for answer in found] == [f"You said: {n}" for n in range(64)]


def test_many_loops_at_once(upstream: Upstream, model: str) -> None:
    """Each thread has an event loop of its own, and so a client of its own."""
    with ThreadPoolExecutor(6) as threads:
        for found in threads.map(lambda _: asyncio.run(many(model, 8)), range(12)):
            assert [answer.choices[0].message.content for answer in found] == [f"You said: {n}" for n in range(8)]


def test_loops_leave_nothing_behind(upstream: Upstream, model: str) -> None:
    before = len(transport._async_handlers)
    for _ in range(5):
        asyncio.run(many(model, 2))
    assert len(transport._async_handlers) <= before


def test_one_client_per_loop_and_one_for_sync_calls(upstream: Upstream) -> None:
    async def same() -> bool:
        return await transport.async_client() is await transport.async_client()

    assert asyncio.run(same())
    clients: set[int] = set()
    threads = [threading.Thread(target=lambda: clients.add(id(transport.sync_client()))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(clients) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="declared: there is no fork here")
def test_a_forked_child_has_connections_of_its_own(upstream: Upstream, model: str) -> None:
    ask("sync", model)
    parent = transport.sync_client()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:  # in the child: say whether it started anew, then leave without pytest's goodbyes
        os.write(write, b"new" if transport.sync_client() is not parent else b"old")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 3) == b"new"
    os.close(read)
    os.close(write)
    assert transport.sync_client() is parent


@pytest.mark.feature("http")
@pytest.mark.parametrize("mode", MODES)
def test_proxy_of_the_environment(mode: Mode, upstream: Upstream, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, upstream.url)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(transport, "_sync_handler", None)
    ask(mode, model, api_base="http://upstream.invalid/v1")
    assert upstream.requests[-1].path.startswith("http://upstream.invalid/v1/")


@pytest.mark.feature("http")
def test_a_callers_client_wins(upstream: Upstream, model: str) -> None:
    seen: list[str] = []
    handler = HTTPHandler()
    handler.client = httpx.Client(event_hooks={"request": [lambda request: seen.append("sync")]})
    ask("sync", model, client=handler)

    async def hook(request: httpx.Request) -> None:
        seen.append("async")

    async def call() -> None:
        own = AsyncHTTPHandler()
        own.client = httpx.AsyncClient(event_hooks={"request": [hook]})
        await litellm.acompletion(model=model, messages=HELLO, client=own)
        await own._client.aclose()

    asyncio.run(call())
    assert seen == ["sync", "async"]


def test_in_an_interpreter_of_its_own(upstream: Upstream, model: str) -> None:
    """The package names its instance however it was imported, and clients are closed at exit.

    The YAML of a proxy says `<module>.provider`, which is also the name of a submodule. One of the clients is of an event
    loop that nobody shut down.
    """
    program = f"""
        import gc
        gc.set_threshold(100_000)
        import asyncio, litellm
        from litellm.proxy.types_utils.utils import get_instance_fn
        import {package.__name__}.provider
        import {package.__name__} as package
        from {package.__name__}.provider import Provider, provider
        assert isinstance(package.provider, Provider), package.provider
        assert package.provider is provider
        assert get_instance_fn("{package.__name__}.provider", config_file_path="proxy/config.yaml") is provider
        gc.set_threshold(700, 10, 10)
        package.register()
        messages = [{{"role": "user", "content": "hello"}}]
        litellm.completion(model={model!r}, messages=messages)
        asyncio.run(litellm.acompletion(model={model!r}, messages=messages))
        loop = asyncio.new_event_loop()
        print(loop.run_until_complete(litellm.acompletion(model={model!r}, messages=messages)).choices[0].message.content)
    """
    environment = {
        **os.environ,
        f"{answers.ENV_PREFIX}_API_BASE": f"{upstream.url}/v1",
        f"{answers.ENV_PREFIX}_API_KEY": KEY,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "PYTHONWARNINGS": "default::ResourceWarning",
    }
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "You said: hello" in done.stdout
    assert "Unclosed" not in done.stderr
    assert "never closed" not in done.stderr
    assert "Traceback" not in done.stderr

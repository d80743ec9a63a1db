"""Fixtures of the tests of routing. Template's file: do not edit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from .gateway import Gateway, Setup, config, middleware, write
from .side import HostApp, Loop, Server, Side

Start = Callable[..., Setup]
NewServer = Callable[[str], Server]
FALLBACK: dict[str, Any] = {"enabled": False, "fallback": {"enabled": True}}
"""Settings with which everything goes to the host first."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: heavy; `make test-routing` runs it, `make test` does not")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.option.markexpr:
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    if slow:
        items[:] = [item for item in items if item not in slow]
        config.hook.pytest_deselected(items=slow)


@pytest.fixture(scope="session")
def servers_loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.stop()


@pytest.fixture
def sides(request: pytest.FixtureRequest) -> Iterator[list[Side]]:
    """Every side of a test; what they heard goes into the table of `make test-routing`."""
    found: list[Side] = []
    yield found
    heard: dict[str, int] = {}
    for side in found:
        heard[side.name] = heard.get(side.name, 0) + len(side.requests)
    request.node.user_properties.append(("requests", heard))


@pytest.fixture
def new_server(servers_loop: Loop, sides: list[Side]) -> Iterator[NewServer]:
    """Starts a server that stands where LiteLLM does, or a host at an address."""
    started: list[Server] = []

    def start(name: str) -> Server:
        server = Server(name, servers_loop)
        started.append(server)
        sides.append(server)
        return server

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def litellm(new_server: NewServer) -> Server:
    """A server that stands where LiteLLM does."""
    return new_server("litellm")


@pytest.fixture
def start(tmp_path: Path, litellm: Server, sides: list[Side]) -> Iterator[Start]:
    """Starts a gateway around a host, both new.

    Its arguments are settings (see `gateway.config`), and by name: `content`, a whole configuration in place of them; `http`,
    the parser; `inside` and `outside`, which wrap the host and the whole; `live`, whether the file is watched.
    """
    with ExitStack() as stack:

        def new(
            content: Any = None,
            http: str = "auto",
            inside: Callable[[Any], Any] = lambda app: app,
            outside: Callable[[Any], Any] = lambda app: app,
            live: bool = False,
            **settings: Any,
        ) -> Setup:
            host = HostApp()
            sides.append(host)
            folder = tmp_path / f"gateway-{len(sides)}"
            folder.mkdir()
            file = write(folder / "routing.yaml", content or config(litellm.url, **settings))
            app = middleware(inside(host), file, live=live)
            return Setup(stack.enter_context(Gateway(outside(app), http)), host, litellm, file, app)

        yield new


@pytest.fixture
def setup(start: Start) -> Setup:
    """A gateway that routes `gpt-5`."""
    return start()


@pytest.fixture
def falling_back(start: Start) -> Setup:
    """A gateway that asks the host first, and falls back for `gpt-5`."""
    return start(**FALLBACK)

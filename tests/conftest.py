"""Fixtures of the template's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import jinja2
import pytest

from tests.support import EVERYTHING, TEMPLATE, Tools, install_tools, render
from tests.times import Times


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the option of `make test-times`."""
    parser.addoption("--write-times", action="store_true", help="write tests/times.json")


def pytest_configure(config: pytest.Config) -> None:
    """Counts seconds of CPU."""
    config.pluginmanager.register(Times(write=config.getoption("--write-times")))


@pytest.fixture(scope="session")
def copier_template_paths() -> list[str]:
    """Names what pytest-copier copies."""
    return list(TEMPLATE)


@pytest.fixture(scope="session", autouse=True)
def quick_renders() -> Iterator[None]:
    """Takes out of the renders in this process what is most of their time and does nothing here.

    Copier asks git once for each file whether a repository around it notes modes, and compiles each file, and each part of
    each path, anew for each render. Renders in a process of their own, such as those of the README's commands, keep both.
    """
    compile_ = jinja2.Environment.compile
    compiled: dict[object, object] = {}

    def compile_once(environment: jinja2.Environment, source: object, *names: object) -> object:
        key = (type(environment), environment.keep_trailing_newline, *environment.extensions, source, *names)
        if key not in compiled:
            compiled[key] = compile_(environment, source, *names)  # type: ignore[call-overload]
        return compiled[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("copier._main.Worker._sync_git_index_executable_bit", lambda *_: None)
        patch.setattr(jinja2.Environment, "compile", compile_once)
        yield


@pytest.fixture(scope="session")
def worker(request: pytest.FixtureRequest) -> str:
    """Names this test process among those that run at the same time."""
    config = request.config
    return str(getattr(config, "workerinput", {}).get("workerid", "main"))


@pytest.fixture(scope="session")
def tools(copier_template: Path, tmp_path_factory: pytest.TempPathFactory, worker: str) -> Tools:
    """Gives ruff, mypy and all that a rendered package imports."""
    folder = tmp_path_factory.mktemp("for-tools") / "everything"
    return install_tools(render(copier_template, folder, EVERYTHING), worker)

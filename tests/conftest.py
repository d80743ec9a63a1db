"""Fixtures of the template's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from testing.memory import keep_temporary_files_in_memory
from testing.quick import quick_renders
from testing.support import EVERYTHING, TEMPLATE, Tools, install_tools, render
from testing.times import Times

keep_temporary_files_in_memory()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the option of `make test-times`."""
    parser.addoption("--write-times", action="store_true", help="write testing/times.json")


def pytest_configure(config: pytest.Config) -> None:
    """Counts seconds of CPU."""
    config.pluginmanager.register(Times(write=config.getoption("--write-times")))


@pytest.fixture(scope="session")
def copier_template_paths() -> list[str]:
    """Names what pytest-copier copies."""
    return list(TEMPLATE)


@pytest.fixture(scope="session", autouse=True)
def _quick() -> Iterator[None]:
    """Lets renders in this process be quick."""
    with quick_renders():
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

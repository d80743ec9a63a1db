"""Fixtures of the template's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import EVERYTHING, TEMPLATE, Tools, install_tools, render


@pytest.fixture(scope="session")
def copier_template_paths() -> list[str]:
    """Names what pytest-copier copies."""
    return list(TEMPLATE)


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

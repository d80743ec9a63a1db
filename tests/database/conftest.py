"""One proxy with a database for all tests that ask for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from testing.support import render
from tests.database.proxy import COMPANY_KEY, Proxy, proxy


@pytest.fixture(scope="session")
def proxy_with_database(copier_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """Gives a proxy that hands out virtual keys, for a package with the default answers.

    It takes most of 20 seconds of CPU for each worker whose tests ask for it, so there are few, and in one file.
    """
    package = render(copier_template, tmp_path_factory.mktemp("package") / "acme", {})
    with proxy(package, tmp_path_factory.mktemp("proxy"), ACME_AI_API_KEY=COMPANY_KEY) as found:
        yield found

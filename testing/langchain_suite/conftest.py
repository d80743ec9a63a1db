"""The upstreams, the files that the suite would fetch, and what is expected to fail."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import pytest
from langchain_tests.integration_tests import chat_models

from .expected import FAILURES, SKIPPED, Failure
from .script import FILE, Script

TOLD: dict[str, Any] = json.loads(os.environ["LANGCHAIN_JUDGE"])
"""What testing/langchain_judge.py says: the proxy, and the formats with their models and ports."""
_FAILURE = pytest.StashKey[Failure]()


@pytest.fixture(scope="session")
def upstreams() -> Iterator[dict[str, Any]]:
    """The stand-ins of the packages, each playing the upstream of its format."""
    with ExitStack() as opened:
        found = {}
        for name, one in TOLD["formats"].items():
            stand_in = importlib.import_module(f"stand_ins.{name}.upstream")
            server = importlib.import_module(f"stand_ins.{name}.conformance.server")
            upstream = opened.enter_context(server.Upstream(stand_in.UpstreamFormat(), port=one["port"]))
            upstream.reply_to = Script(server, upstream)
            found[name] = upstream
        yield found


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the suite fetches from the web comes from here."""
    fetched = SimpleNamespace(content=FILE)
    monkeypatch.setattr(chat_models, "httpx", SimpleNamespace(get=lambda *_, **__: fetched))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks what is expected to fail; a failure that no test has is an error where all tests are run."""
    used: list[Failure] = []
    for item in items:
        assert isinstance(item, pytest.Function)
        suite: Any = item.cls
        failure = next((one for one in FAILURES if one.is_of(item.originalname, suite.name, suite.endpoint)), None)
        if failure:
            used.append(failure)
            item.stash[_FAILURE] = failure
            item.add_marker(pytest.mark.xfail(strict=True, reason=f"{failure.whose}: {failure.why}"))
    unused = [failure for failure in FAILURES if failure not in used]
    if unused and not config.getoption("keyword"):
        raise pytest.UsageError(f"expected.py has failures of no test: {unused}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Lets a test fail that fails for another reason than it is expected to, or that is left out for another."""
    report: pytest.TestReport = yield  # type: ignore[assignment]  # what the hook returns
    failure = item.stash.get(_FAILURE, None)
    if call.excinfo and failure and hasattr(report, "wasxfail") and failure.found not in str(call.excinfo.value):
        report.outcome = "failed"
        report.longrepr = f"It was expected to fail with {failure.found!r}, and not with:\n{call.excinfo.exconly()}"
        del report.wasxfail
    elif report.skipped and not hasattr(report, "wasxfail") and SKIPPED not in str(report.longrepr):
        report.outcome = "failed"
    return report  # type: ignore[return-value]  # as above

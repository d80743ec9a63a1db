"""Fixtures of the conformance suite, and the rule that no test of it is skipped in silence.

Template's file: do not edit. What the provider cannot do is declared in tests/unsupported.toml (yours).
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..package import answers, models, registration, settings
from ..upstream import UpstreamFormat
from . import litellms_proxy
from .auth.account import KEY, Account, open_account, own_account
from .certificate import self_signed, server_context
from .features import FEATURES, declared
from .proxy import Proxy, stand_in
from .server import Upstream

__all__ = ["KEY"]

NO_PROXY = "litellm: no proxy"

DECLARED = declared()

# LiteLLM is some thousand modules, none of which is garbage: collections need not look at them again.
gc.freeze()

# Settings of the machine that runs the suite are none of its business.
for name in [name for name in os.environ if name.startswith(f"{answers.ENV_PREFIX}_")]:
    del os.environ[name]


def answers_have(setting: str) -> bool:
    """Whether the way to authenticate has a setting of that name."""
    return own_account() is None and setting in settings.Settings.model_fields


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "proxy: it needs LiteLLM's proxy, beside the tests that have its fixture")
    config.addinivalue_line("markers", "xdist_group(name): pytest-xdist's, which not every checkout has")
    config.addinivalue_line("markers", "feature(name): what the upstream must be able to do for this test")
    unknown = sorted(set(DECLARED) - FEATURES)
    if unknown:
        raise pytest.UsageError(f"tests/unsupported.toml names {unknown}, which are not among {sorted(FEATURES)}.")
    for feature, reason in DECLARED.items():
        if not isinstance(reason, str) or not reason.strip():
            raise pytest.UsageError(f'tests/unsupported.toml gives no reason for {feature}: write {feature} = "why".')


def pytest_report_header() -> str:
    return f"conformance: {litellms_proxy.in_words()}"


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist looks at the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    lacking = litellms_proxy.missing()
    own = own_account() is not None
    for item in items:
        if own and Path(__file__).with_name("auth") in Path(item.path).parents:
            item.add_marker(pytest.mark.skip(reason="declared: tests/upstream.py has an account of its own"))
        if "running_proxy" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("proxy"))  # one process of several starts it
        if lacking and needs_proxy(item):
            item.add_marker(pytest.mark.skip(reason=f"{NO_PROXY}: {', '.join(lacking)} not installed"))
        for mark in item.iter_markers("feature"):
            if mark.args[0] not in FEATURES:
                raise pytest.UsageError(f"{item.nodeid} needs {mark.args[0]!r}, which is no feature.")
            if mark.args[0] in DECLARED:
                item.add_marker(pytest.mark.skip(reason=f"declared: {mark.args[0]}: {DECLARED[mark.args[0]]}"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    outcome: Any = yield
    report = outcome.get_result()
    if not report.skipped or Path(__file__).parent not in Path(item.path).parents:
        return
    marks = [mark for name in ("skip", "skipif", "xfail") for mark in item.iter_markers(name)]
    reasons = [str(mark.kwargs.get("reason", "")) for mark in marks]
    if not any(reason.startswith(("declared: ", "litellm: ")) for reason in reasons):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped: declare the feature in tests/unsupported.toml, with its reason."


def needs_proxy(item: pytest.Item) -> bool:
    """Whether a test runs a proxy of LiteLLM's, or parts of it."""
    return "running_proxy" in getattr(item, "fixturenames", ()) or item.get_closest_marker("proxy") is not None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    report_proxy(terminalreporter)
    terminalreporter.section("conformance")
    for feature in sorted(FEATURES):
        reason = DECLARED.get(feature)
        terminalreporter.write_line(f"{feature}: {f'not supported: {reason}' if reason else 'supported'}")


def report_proxy(terminalreporter: pytest.TerminalReporter) -> None:
    """Says loudly what was not run for want of a proxy."""
    skipped: list[Any] = terminalreporter.stats.get("skipped", [])
    number = len([one for one in skipped if NO_PROXY in str(one.longrepr)])
    terminalreporter.section(litellms_proxy.in_words(), red=bool(number), bold=bool(number))
    if number:
        sentence = (
            f"{number} tests of the proxy were NOT RUN: {', '.join(litellms_proxy.missing())} not installed. Nothing is known "
            "about the proxy of this version of LiteLLM; install litellm[proxy] from an index that has it."
        )
        terminalreporter.write_line(sentence, red=True, bold=True)
        if os.environ.get("GITHUB_ACTIONS"):
            terminalreporter.write_line(f"::warning title=No proxy::{sentence}")


@pytest.fixture(scope="session")
def running_upstream() -> Iterator[Upstream]:
    """The embedded upstream, one for the whole run."""
    with Upstream(UpstreamFormat()) as server:
        yield server


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """What the provider authenticates with, one for the whole run."""
    with open_account(tmp_path_factory.mktemp("account")) as opened:
        yield opened


@pytest.fixture
def upstream(
    running_upstream: Upstream, account: Account, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Upstream]:
    """The embedded upstream, with nothing remembered, and the registered provider's settings for it."""
    use(account, running_upstream, monkeypatch)
    monkeypatch.chdir(tmp_path)  # no .env and no settings file
    running_upstream.reset()
    yield running_upstream
    running_upstream.reset()


def use(account: Account, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the registered provider call that upstream with that account, from the next call on."""
    upstream.guard = account.accepts
    monkeypatch.setenv(f"{answers.ENV_PREFIX}_API_BASE", f"{upstream.url}/v1")
    for name, value in {**stand_in(), **account.environment}.items():
        monkeypatch.setenv(name, value)
    registration.register()._ready = None  # the settings are read anew


@pytest.fixture(scope="session")
def model() -> str:
    """The first model of models.yaml, as callers name it."""
    return f"{answers.PROVIDER}/{next(iter(models.load_models()))}"


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a certificate that is trusted nowhere; the key is beside it."""
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def running_secure_upstream(certificate: Path, account: Account) -> Iterator[Upstream]:
    """The embedded upstream behind TLS with that certificate, one for the whole run."""
    with Upstream(UpstreamFormat(), tls=server_context(certificate)) as server:
        server.guard = account.accepts
        yield server


@pytest.fixture
def secure_upstream(running_secure_upstream: Upstream, upstream: Upstream) -> Iterator[Upstream]:
    """The embedded upstream behind TLS, with nothing remembered."""
    running_secure_upstream.reset()
    yield running_secure_upstream
    running_secure_upstream.reset()


@pytest.fixture(scope="session")
def running_proxy(
    running_upstream: Upstream,
    running_secure_upstream: Upstream,
    certificate: Path,
    account: Account,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Proxy]:
    """A LiteLLM proxy process on proxy/config.yaml, one for the whole run."""
    folder = tmp_path_factory.mktemp("proxy")
    secure = running_secure_upstream.url
    with Proxy.without_router(running_upstream.url, account.environment, folder, secure, certificate) as proxy:
        yield proxy


@pytest.fixture
def proxy(running_proxy: Proxy, upstream: Upstream) -> Proxy:
    """The proxy, its upstream with nothing remembered."""
    return running_proxy

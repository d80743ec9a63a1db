"""Every failure, with everything logged: no secret may turn up anywhere. Template's file: do not edit.

The upstream repeats what it was sent, in headers, messages and error events, as redirects and echoing gateways do.
"""

from __future__ import annotations

import io
import json
import logging
import traceback
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import httpx
import litellm
import pytest
from litellm.integrations.custom_logger import CustomLogger

from ...package import answers, auth, settings
from ..calls import MODES, ask, stream
from ..conftest import use
from ..server import Fault, Raw, Refusal, Reply, Upstream
from .account import Account, open_account
from .concurrency import everything_logged

PREFIX = answers.ENV_PREFIX


@pytest.fixture
def account(tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    with open_account(tmp_path / "own") as opened:
        use(opened, upstream, monkeypatch)
        yield opened


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """All that is logged and printed, LiteLLM's requests included."""
    text = io.StringIO()
    monkeypatch.setattr(litellm, "set_verbose", True)
    with everything_logged(text), redirect_stdout(text), redirect_stderr(text):
        yield text
    logging.captureWarnings(False)


class Watcher(CustomLogger):
    """Writes down all that LiteLLM gives to callbacks."""

    def __init__(self, said: io.StringIO) -> None:
        super().__init__()
        self._said = said

    def log_pre_api_call(self, model: Any, messages: Any, kwargs: Any) -> None:
        tell(kwargs, self._said)

    def log_post_api_call(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        tell([kwargs, response_obj], self._said)

    def log_success_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        tell([kwargs, response_obj], self._said)

    def log_failure_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        tell([kwargs, response_obj], self._said)

    async def async_log_success_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        tell([kwargs, response_obj], self._said)

    async def async_log_failure_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        tell([kwargs, response_obj], self._said)


def tell(thing: Any, said: io.StringIO) -> None:
    """Writes down a thing with all that hangs on it: of exceptions their causes, requests and responses, too."""
    seen: set[int] = set()
    waiting = [thing]
    while waiting:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        if isinstance(current, dict):
            waiting += [*current, *current.values()]
        elif isinstance(current, list | tuple | set):
            waiting += current
        elif isinstance(current, BaseException):
            said.write("".join(traceback.format_exception(current)))
            said.write(f"{current!r} {current}\n")
            waiting += [current.__cause__, current.__context__, current.args, vars(current)]
        elif isinstance(current, httpx.Response):
            said.write(f"{current.headers} {current.text if current.is_closed else ''}\n")
            waiting.append(vars(current).get("_request"))
        elif isinstance(current, httpx.Request):
            said.write(f"{current.headers} {current.url}\n")
        else:
            said.write(f"{current!r} {current}\n")
            waiting += [getattr(current, "_hidden_params", None)]


def calls(model: str, said: io.StringIO) -> None:
    """Makes a call of each sort."""
    for mode in MODES:
        for make in (ask, stream):
            try:
                tell(make(mode, model), said)
            except Exception as error:
                tell(error, said)


def test_every_failure(
    account: Account, upstream: Upstream, model: str, said: io.StringIO, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(litellm, "callbacks", [Watcher(said)])
    calls(model, said)
    for step, fault in (
        (Reply(quotes=True), None),
        (Reply(quotes=True), Fault("error", after=1)),
        (Refusal(301, quotes=True), None),
        (Refusal(308, "moved", quotes=True), None),
        (Refusal(429, "rate_limit_exceeded", quotes=True), None),
        (Refusal(401, "invalid_token", quotes=True), None),
        (Refusal(403, "no", quotes=True), None),
        (Refusal(500), None),
        (Raw(200, b"<html>", quotes=True), None),
        (Raw(502, b"<html>", "text/html", quotes=True), None),
        (Reply(), Fault("reset", after=1)),
        (Reply(), Fault("truncate", after=1)),
    ):
        upstream.will(*[step] * 8, fault=fault)
        calls(model, said)
    upstream.reset()
    account.revoke()
    calls(model, said)
    upstream.guard = lambda request: False
    calls(model, said)
    monkeypatch.setenv(f"{PREFIX}_API_BASE", "http://127.0.0.1:9")
    use_anew(account, upstream, monkeypatch)
    calls(model, said)
    # Every address, file and command of the account is wrong; every secret is in the wrong place.
    for name, value in account.environment.items():
        with monkeypatch.context() as patch:
            wrong = "http://127.0.0.1:9/x" if value.startswith("http") else f"{value}-wrong"
            patch.setenv(name, wrong)
            use_anew(None, upstream, patch)
            calls(model, said)
    say_state(said)
    lines = said.getvalue().splitlines()
    leaks = [line.replace(secret, "<secret>") for secret in account.secrets for line in lines if secret in line]
    assert leaks == []
    for file in tmp_path.rglob("*"):
        if file.is_file() and not any(file.name.startswith(kept.name) for kept in account.kept_in):
            content = file.read_bytes()
            assert not [secret for secret in account.secrets if secret.encode() in content], file


def use_anew(account: Account | None, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has the settings read again."""
    from ...package import registration

    if account is not None:
        upstream.guard = account.accepts
    registration.register()._ready = None


def say_state(said: io.StringIO) -> None:
    """Writes down what the provider says about itself."""
    loaded = settings.load_settings()
    authenticator = auth.make_authenticator(loaded)
    call: Any = authenticator.for_call(None)
    state = authenticator.status()
    said.write(f"{loaded!r} {loaded} {loaded.model_dump()} {authenticator!r} {call!r} {state!r} {state.in_words()}")
    said.write(json.dumps(state.__dict__, default=str))

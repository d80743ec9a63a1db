"""Every failure, with everything logged: no secret may turn up anywhere. Template's file: do not edit."""

from __future__ import annotations

import io
import json
import logging
import traceback
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import litellm
import pytest

from ...package import answers, auth, settings
from ..asking import MODES, ask, stream
from ..conftest import use
from ..server import Fault, Raw, Refusal, Reply, Upstream
from .account import Account, open_account
from .load import everything_logged

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


def tell(error: BaseException, said: io.StringIO) -> None:
    """Writes down an error with all that hangs on it."""
    said.write("".join(traceback.format_exception(error)))
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        current = waiting.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        said.write(f"{current!r} {current} {getattr(current, 'message', '')} {getattr(current, 'body', '')}\n")
        response: Any = getattr(current, "response", None)
        if response is not None:
            said.write(f"{response.headers} {response.text} {response.request.headers} {response.request.url}\n")
        waiting += [current.__cause__, getattr(current, "original_exception", None)]


def calls(model: str, said: io.StringIO) -> None:
    """Makes a call of each sort."""
    for mode in MODES:
        for make in (ask, stream):
            try:
                make(mode, model)
            except Exception as error:
                tell(error, said)


def test_every_failure(
    account: Account, upstream: Upstream, model: str, said: io.StringIO, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls(model, said)
    for step, fault in (
        (Refusal(401, "invalid_token", quotes=True), None),
        (Refusal(403, "no", quotes=True), None),
        (Refusal(500), None),
        (Raw(200, b"<html>"), None),
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

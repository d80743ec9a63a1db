"""Logging in with a code on another device: pace, expiry, refusal, trouble on the way. Template's file: do not edit."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ...package import answers, auth, part, settings
from ..conftest import use
from ..server import Upstream
from .authorization_server import Answer
from .oauth_device_code import open_account
from .token_account import TokenAccount

authenticators: Any = part("auth.authenticator")
module: Any = part("auth.oauth_device_code")
PREFIX = answers.ENV_PREFIX


@pytest.fixture
def account(tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> Iterator[TokenAccount]:
    """An account of somebody who has not logged in."""
    with open_account(tmp_path / "own") as opened:
        opened.environment[f"{PREFIX}_REFRESH_TOKEN"] = ""
        use(opened, upstream, monkeypatch)
        yield opened


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between polls, which take no time."""
    found: list[float] = []
    clock = time.monotonic
    monkeypatch.setattr(module.time, "sleep", lambda seconds: found.append(seconds) if seconds else None)
    monkeypatch.setattr(module.time, "monotonic", lambda: clock() + sum(found))
    return found


def log_in() -> tuple[str, list[str]]:
    """Logs in; returns what was said in the end, and before."""
    said: list[str] = []
    authenticator = auth.make_authenticator(settings.load_settings())
    return authenticator.login(authenticators.Console(said.append)), said


def decide(account: TokenAccount, allowed: bool) -> None:
    """Types the code in, as soon as there is one."""

    def type_it() -> None:
        while not account.server.user_codes:
            threading.Event().wait(0.01)
        account.server.decide(account.server.user_codes[0], allowed)

    threading.Thread(target=type_it, daemon=True).start()


def no(code: str) -> Answer:
    return Answer(400, json.dumps({"error": code}).encode())


def test_login_and_renewal(account: TokenAccount) -> None:
    decide(account, allowed=True)
    end, said = log_in()
    assert "There is a token" in end
    code = account.server.requests[0]["device_code"]
    text = "\n".join(said)
    assert f"{account.server.url}/device" in text
    assert code not in text
    state = auth.make_authenticator(settings.load_settings()).status()
    assert (state.ready, state.renewable) == (True, True)


def test_locked_key_of_the_client(account: TokenAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in account.prove_by_locked_key("open-3").items():
        monkeypatch.setenv(name, value)
    decide(account, allowed=True)
    assert "There is a token" in log_in()[0]
    renewing: Any = auth.make_authenticator(settings.load_settings())
    assert account.server.valid(renewing.get_token(refused=renewing.get_token()).value)
    assert all("client_assertion" in form and "client_secret" not in form for form in account.server.requests)
    monkeypatch.setenv(f"{PREFIX}_CLIENT_KEY_PASSPHRASE", "wrong-3")
    with pytest.raises(authenticators.CredentialError, match="_CLIENT_KEY_PASSPHRASE opens") as caught:
        log_in()
    assert not {"open-3", "wrong-3"} & set(str(caught.value).split())


def test_what_is_shown(account: TokenAccount) -> None:
    decide(account, allowed=False)
    said: list[str] = []
    authenticator = auth.make_authenticator(settings.load_settings())
    with pytest.raises(authenticators.CredentialError, match="denied"):
        authenticator.login(authenticators.Console(said.append))
    (user_code,) = account.server.user_codes
    assert "type in the code" in said[0]
    assert user_code in said[0]


def test_pace(account: TokenAccount, pauses: list[float]) -> None:
    pending = no("authorization_pending")
    account.server.will(pending, no("slow_down"), pending, Answer(503), pending, account_token(account))
    assert "There is a token" in log_in()[0]
    assert pauses == [1, 1, 6, 6, 12, 12]


def test_expiry(account: TokenAccount, pauses: list[float]) -> None:
    account.server.will(*[no("authorization_pending")] * 99)
    with pytest.raises(authenticators.CredentialError, match="expired"):
        log_in()
    assert sum(pauses) <= 60
    account.server.will(no("expired_token"))
    with pytest.raises(authenticators.CredentialError, match="expired"):
        log_in()


def test_other_errors(account: TokenAccount, pauses: list[float]) -> None:
    account.server.will(no("invalid_scope"))
    with pytest.raises(authenticators.CredentialError, match="invalid_scope"):
        log_in()
    assert len(pauses) == 1


def test_endpoint_that_is_none(account: TokenAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}_DEVICE_AUTHORIZATION_URL", f"{account.server.url}/revoke")
    with pytest.raises(authenticators.CredentialError, match="has no device_code"):
        log_in()
    monkeypatch.setenv(f"{PREFIX}_DEVICE_AUTHORIZATION_URL", "http://127.0.0.1:9/device")
    with pytest.raises(authenticators.CredentialError, match="DEVICE_AUTHORIZATION_URL"):
        log_in()


def test_qr_code(monkeypatch: pytest.MonkeyPatch) -> None:
    assert module._qr_code("https://auth.example.com/device") is None

    class Terminal:
        encoding = "utf-8"

        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(module.sys, "stdout", Terminal())
    assert "\u2588" in module._qr_code("https://auth.example.com/device")


def account_token(account: TokenAccount) -> Answer:
    return Answer(body=json.dumps(account.server.issue("", account.server.new_refresh_token())).encode())

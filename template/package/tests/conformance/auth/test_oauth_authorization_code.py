"""Logging in with the browser: redirects good and bad, pasted addresses, refusals. Template's file: do not edit."""

from __future__ import annotations

import io
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import build_opener, urlopen

import pytest

from ...package import answers, auth, part, settings
from ..conftest import use
from ..server import Upstream
from .authorization_server import AuthorizationServer
from .oauth_authorization_code import open_account
from .token_account import TokenAccount

authenticators: Any = part("auth.authenticator")
module: Any = part("auth.oauth_authorization_code")
PREFIX = answers.ENV_PREFIX


@pytest.fixture
def account(tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> Iterator[TokenAccount]:
    """An account of somebody who has not logged in."""
    with open_account(tmp_path / "own") as opened:
        opened.environment[f"{PREFIX}_REFRESH_TOKEN"] = ""
        use(opened, upstream, monkeypatch)
        monkeypatch.setattr(sys, "stdin", io.StringIO())
        yield opened


def log_in(visit: Callable[[str], object]) -> tuple[str, list[str]]:
    """Logs in with a browser that does what the test wants; returns what was said in the end, and before."""
    said: list[str] = []

    def browser(url: str) -> bool:
        threading.Thread(target=visit, args=(url,), daemon=True).start()
        return True

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_opens", browser)
        authenticator = auth.make_authenticator(settings.load_settings())
        return authenticator.login(authenticators.Console(said.append)), said


def wait_until(true: Callable[[], bool]) -> None:
    """Waits for what another thread is about to do."""
    deadline = time.monotonic() + 5
    while not true() and time.monotonic() < deadline:
        time.sleep(0.01)


def allow(server: AuthorizationServer, url: str) -> str:
    """Does what a browser does in which the person allows it, up to the redirect; returns its address."""
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    answer = {"code": server.begin(query), "state": query["state"]}
    return f"{query['redirect_uri']}?{urlencode(answer)}"


def test_login_and_renewal(account: TokenAccount, upstream: Upstream, model: str) -> None:
    server = account.server
    server.rotates = True
    end, said = log_in(lambda url: urlopen(allow(server, url)).read())
    assert "There is a token" in end
    assert "  http" in said[0]
    state = auth.make_authenticator(settings.load_settings()).status()
    assert (state.ready, state.renewable, state.who) == (True, True, "ada@example.com")
    (form,) = server.requests
    assert form["grant_type"] == "authorization_code"
    server.revoke_all()
    authenticator: Any = auth.make_authenticator(settings.load_settings())
    first = authenticator.get_token()
    second = authenticator.get_token(refused=first)
    assert server.valid(second.value)
    assert second.refresh_token != first.refresh_token
    assert "revoked" in authenticator.logout()
    assert server.revoked == [second.refresh_token]
    assert not auth.make_authenticator(settings.load_settings()).status().ready


def test_locked_key_of_the_client(account: TokenAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in account.prove_by_locked_key("open-3").items():
        monkeypatch.setenv(name, value)
    assert "There is a token" in log_in(lambda url: urlopen(allow(account.server, url)).read())[0]
    renewing: Any = auth.make_authenticator(settings.load_settings())
    assert account.server.valid(renewing.get_token(refused=renewing.get_token()).value)
    assert all("client_assertion" in form and "client_secret" not in form for form in account.server.requests)
    monkeypatch.setenv(f"{PREFIX}_CLIENT_KEY_PASSPHRASE", "wrong-3")
    with pytest.raises(authenticators.CredentialError, match="_CLIENT_KEY_PASSPHRASE opens") as caught:
        log_in(lambda url: urlopen(allow(account.server, url)).read())
    assert not {"open-3", "wrong-3"} & set(str(caught.value).split())


def test_page_of_the_server(account: TokenAccount) -> None:
    """The form of the server's page, as a browser posts it."""

    def visit(url: str) -> None:
        page = urlopen(url).read().decode()
        fields = dict(part.split('" value="') for part in _between(page, 'name="', '">'))
        build_opener().open(f"{account.server.url}/decision", urlencode(fields).encode()).read()

    assert "There is a token" in log_in(visit)[0]


def test_page_says_what_has_happened(account: TokenAccount) -> None:
    """It waits for the token: before that, nobody is logged in."""
    pages: list[str] = []

    def visit(url: str) -> None:
        pages.append(urlopen(allow(account.server, url)).read().decode())

    log_in(visit)
    assert "You are logged in" in pages[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(f"{PREFIX}_TOKEN_URL", "http://127.0.0.1:9/token")
        with pytest.raises(authenticators.CredentialError, match="cannot be reached"):
            log_in(visit)
    wait_until(lambda: len(pages) == 2)
    assert "The login failed" in pages[1]


def test_denied(account: TokenAccount) -> None:
    def deny(url: str) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        answer = {"error": "access_denied", "error_description": "no thanks", "state": query["state"]}
        urlopen(f"{query['redirect_uri']}?{urlencode(answer)}").read()

    with pytest.raises(authenticators.CredentialError, match="access_denied no thanks"):
        log_in(deny)


def test_answer_to_another_login(account: TokenAccount) -> None:
    """An answer with another state is shown to be none; the right one still counts."""
    statuses: list[int] = []

    def visit(url: str) -> None:
        good = allow(account.server, url)
        base = good.partition("?")[0]
        for bad in (f"{base}?code=stolen&state=other", f"{base}?code=stolen", f"{base}/favicon.ico", base):
            with suppress(URLError):
                try:
                    urlopen(bad).read()
                except HTTPError as error:
                    statuses.append(error.code)
        urlopen(good).read()

    assert "There is a token" in log_in(visit)[0]
    assert statuses == [400] * 4


def test_pasted_address(account: TokenAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """The browser is on another machine, where the redirect leads nowhere."""
    typed: list[str] = []

    class Typing:
        def __iter__(self) -> Iterator[str]:
            yield "http://127.0.0.1/callback?code=x&state=wrong\n"
            while not typed:
                time.sleep(0.01)
            yield typed[0] + "\n"

    monkeypatch.setattr(sys, "stdin", Typing())
    end, said = log_in(lambda url: typed.append(allow(account.server, url)))
    assert "There is a token" in end
    assert any("not the address" in line for line in said)


def test_redirect_address(account: TokenAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    with AuthorizationServer() as other:
        monkeypatch.setenv(f"{PREFIX}_REDIRECT_URI", f"{other.url}/callback")
        with pytest.raises(authenticators.CredentialError, match="cannot be listened on"):
            log_in(lambda url: None)
    for wrong in ("https://127.0.0.1/callback", "http://example.com/callback"):
        monkeypatch.setenv(f"{PREFIX}_REDIRECT_URI", wrong)
        with pytest.raises(settings.SettingsError, match="loopback"):
            settings.load_settings()


def test_nobody_comes_back(account: TokenAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOGIN_SECONDS", 0.2)
    with pytest.raises(authenticators.CredentialError, match="Nobody logged in"):
        log_in(lambda url: None)


def _between(text: str, start: str, end: str) -> list[str]:
    return [piece.partition(end)[0] for piece in text.split(start)[1:]]

"""OAuth authorization code with PKCE, for a program on a person's machine. Template's file: do not edit.

RFC 6749 section 4.1, RFC 7636 (PKCE, S256), RFC 8252 (a loopback address takes the redirect).
"""

from __future__ import annotations

import os
import queue
import secrets
import sys
import threading
import webbrowser
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from pydantic import field_validator

from .._answers import AUTHORIZE_URL, PROVIDER_NAME, REDIRECT_URI
from .authenticator import Console, CredentialError, Tls
from .cache import CachedAuthenticator
from .flow import secrets_of
from .interactive import LOGIN, InteractiveSettings, InteractiveSource
from .oauth import LOOPBACK, secure_url
from .refused_tokens import RefusedTokens
from .store_settings import open_store, path_beside
from .tokens import Token, printable

_LOGIN_SECONDS = 600.0
_PAGE_SECONDS = 2.0
"""How long a browser may take to fetch its last page."""


class Settings(InteractiveSettings):
    """The settings that this kind of authentication adds."""

    authorize_url: str = AUTHORIZE_URL
    redirect_uri: str = REDIRECT_URI
    """A loopback address; without a port, a free one is taken (RFC 8252 section 7.3)."""

    @field_validator("authorize_url")
    @classmethod
    def _secure_page(cls, value: str) -> str:
        return secure_url(value)

    @field_validator("redirect_uri")
    @classmethod
    def _loopback(cls, value: str) -> str:
        parts = urlsplit(value)
        # Reading the port finds one that is none.
        if parts.scheme != "http" or parts.hostname not in LOOPBACK or parts.query or parts.fragment or parts.port == 0:
            raise ValueError("it must be a loopback address, such as http://127.0.0.1/callback")
        return value


class AuthorizationCodeSource(InteractiveSource):
    """Logs a person in with the browser (`TokenSource`).

    Args:
        settings: the authorization server, and who we are to it.
        tls: how its certificate is checked.
        refused: the refresh tokens that are dead, as far as any process knows.
    """

    kind = "oauth_authorization_code"

    def __init__(self, settings: Settings, tls: Tls = lambda: True, refused: RefusedTokens | None = None) -> None:
        super().__init__(settings, tls, refused)
        self._settings = settings

    def login(self, console: Console) -> Token:
        """Shows the server's page, waits for its redirect, and exchanges the code for a token.

        The redirect comes to a port of this machine, or somebody pastes its address, which is what a remote
        machine takes.

        Raises:
            CredentialError: it was denied, or nobody came back in time.
        """
        self.check()
        state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        with _redirects(self._settings.redirect_uri, state) as (redirect_uri, answers, outcome):
            fields = {
                "redirect_uri": redirect_uri,
                "code_challenge": create_s256_code_challenge(verifier),
                "code_challenge_method": "S256",
                "scope": self._settings.scopes,
                "audience": self._settings.audience,
                "resource": self._settings.resource,
            }
            url = prepare_grant_uri(
                self._settings.authorize_url,
                self._settings.client_id,
                "code",
                state=state,
                **{name: value for name, value in fields.items() if value},
            )
            console.say(f"Log in to {PROVIDER_NAME} with your browser:\n\n  {url}\n")
            if not (console.open_browser and _opens(url)):
                console.say("No browser was opened here: open that address yourself.")
            console.say(
                "If the browser is on another machine, its last page cannot be reached: paste that page's address here."
            )
            _read_pasted(answers, state, console)
            try:
                answer = answers.get(timeout=_LOGIN_SECONDS)
            except queue.Empty:
                raise CredentialError(f"Nobody logged in within {_LOGIN_SECONDS / 60:g} minutes: {LOGIN}.") from None
            if "code" not in answer:
                reason = printable(f"{answer.get('error', 'no code')} {answer.get('error_description', '')}")
                raise CredentialError(f"The login to {PROVIDER_NAME} was refused: {reason}; {LOGIN} again.")
            token = self._endpoint.token(
                "authorization_code", code=answer["code"], redirect_uri=redirect_uri, code_verifier=verifier
            )
            outcome.set_result("You are logged in")
            return token


def authenticator(settings: Settings, tls: Tls = lambda: True) -> CachedAuthenticator:
    """Returns what authenticates calls with these settings."""
    store = open_store(settings, "oauth_authorization_code", Settings)
    refused = RefusedTokens(path_beside(settings, "oauth_authorization_code", Settings, ".refused"))
    return CachedAuthenticator(AuthorizationCodeSource(settings, tls, refused), store, secrets_of(settings))


class _Pages:
    """Counts the pages that a browser still waits for."""

    def __init__(self) -> None:
        self._open = 0
        self._changed = threading.Condition()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Counts a page until it is written."""
        with self._changed:
            self._open += 1
        try:
            yield
        finally:
            with self._changed:
                self._open -= 1
                self._changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Waits until all are written, but not for long."""
        with self._changed:
            self._changed.wait_for(lambda: self._open == 0, seconds)


def _answer_of(address: str, state: str) -> dict[str, str] | None:
    """The parameters of a redirect; None when it is not the answer to this login."""
    found = {name: values[0] for name, values in parse_qs(urlsplit(address.strip()).query).items()}
    if not secrets.compare_digest(found.get("state", "").encode(), state.encode()):
        return None
    return found if "code" in found or "error" in found else None


@contextmanager
def _redirects(address: str, state: str) -> Iterator[tuple[str, queue.Queue[dict[str, str]], Future[str]]]:
    """Listens for the redirect on loopback.

    Yields its full address, the queue of what came, and what the browser is to show once it is known: its page waits.
    """
    parts = urlsplit(address)
    answers: queue.Queue[dict[str, str]] = queue.Queue()
    outcome: Future[str] = Future()
    pages = _Pages()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = _answer_of(self.path, state) if urlsplit(self.path).path == (parts.path or "/") else None
            if answer is None:
                self._show(HTTPStatus.BAD_REQUEST, "This is not the answer to the login that is under way.")
                return
            with pages.one():
                answers.put(answer)
                self._show(HTTPStatus.OK, f"{outcome.result()}. You can close this page.")

        def _show(self, status: HTTPStatus, text: str) -> None:
            page = f"<!doctype html><meta charset=utf-8><title>{text}</title><p>{text}".encode()
            self.send_response(status)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.send_header("content-length", str(len(page)))
            self.send_header("referrer-policy", "no-referrer")
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name in the base class
            """Keeps the code, which is in the address, out of the terminal."""

    host = "127.0.0.1" if parts.hostname == "localhost" else str(parts.hostname)
    try:
        server = ThreadingHTTPServer((host, parts.port or 0), Handler)
    except OSError as error:
        raise CredentialError(
            f"The address {address} cannot be listened on: {error.strerror}; end the program that uses its port."
        ) from None
    shown = f"[{parts.hostname}]" if ":" in str(parts.hostname) else parts.hostname
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://{shown}:{server.server_port}{parts.path}", answers, outcome
    finally:
        if not outcome.done():
            outcome.set_result("The login failed: the terminal says why")
        pages.wait(_PAGE_SECONDS)
        server.shutdown()
        server.server_close()


def _opens(url: str) -> bool:
    """Opens the browser, unless there is none; text browsers would take the terminal over."""
    if sys.platform.startswith("linux") and not {"BROWSER", "DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys():
        return False
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return False
    # Some browsers hold up who opens them until they are closed.
    threading.Thread(target=browser.open, args=(url,), daemon=True).start()
    return True


def _read_pasted(answers: queue.Queue[dict[str, str]], state: str, console: Console) -> None:
    """Reads addresses that are pasted, in a thread: the redirect may come first."""

    def read() -> None:
        for line in _lines():
            answer = _answer_of(line, state)
            if answer is not None:
                answers.put(answer)
                return
            if line.strip():
                console.say(
                    "That is not the address of this login's last page: paste it whole, with its state and code."
                )

    threading.Thread(target=read, daemon=True).start()


def _lines() -> Iterator[str]:
    try:
        descriptor = sys.stdin.fileno()
    except (AttributeError, OSError, ValueError):  # no real one
        yield from sys.stdin or ()
        return
    text = b""
    # Not through sys.stdin: a thread that waits in it would hold its lock when the program ends.
    while chunk := os.read(descriptor, 4096):
        *lines, text = (text + chunk).split(b"\n")
        yield from (line.decode("utf-8", "replace") for line in lines)
    yield text.decode("utf-8", "replace")

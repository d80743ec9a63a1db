"""A real authorization server on loopback, with every grant, that also says no on demand.

Template's file: do not edit. Its tokens look like JWTs; what makes them valid is that it has issued them, that
they have not expired by its clock, and that nobody has revoked them.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import secrets
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID = "conformance-client"


@dataclass(frozen=True)
class Answer:
    """An answer of the token endpoint that is none of its own."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    """How long it takes."""


@dataclass
class _Login:
    """What a person has allowed, on its way to a token."""

    client_id: str
    scope: str
    redirect_uri: str = ""
    challenge: str = ""
    allowed: bool | None = None
    polls: list[float] = field(default_factory=list)


class AuthorizationServer:
    """The server. Use it as a context manager; `url` is where it listens.

    Attributes that tests set: `lifetime` (seconds; None leaves `expires_in` out), `rotates` (refresh tokens are
    good for one use), `returns_refresh_token`, `token_keys` (where in its answers a token is), `consent` (allow or deny), `json_only` and
    `anonymous` (clients send JSON objects, and no client id, as to some vendors' own endpoints), `delay`
    (seconds that each token request takes), `skew` (how far its clock is ahead of this machine's), `claims`.
    """

    def __init__(self, token_keys: tuple[str, ...] = ("access_token",)) -> None:
        self.secret = secrets.token_urlsafe(24)
        self.client_key = RSAKey.generate_key(2048)
        self.token_keys = token_keys
        self.lifetime: float | None = 3600.0
        self.rotates = False
        self.returns_refresh_token = True
        self.consent = "allow"
        self.delay = 0.0
        self.skew = 0.0
        self.json_only = False
        self.anonymous = False
        self.claims: dict[str, Any] = {}
        self.interval = 1
        self.requests: list[dict[str, str]] = []
        self.revoked: list[str] = []
        self.secrets: set[str] = {self.secret}
        self.url = ""
        self._answers: list[Answer] = []
        self._valid: dict[str, float] = {}
        self._refresh_tokens: dict[str, str] = {}
        self._codes: dict[str, _Login] = {}
        self._devices: dict[str, tuple[str, _Login]] = {}
        self._user_codes: list[str] = []
        self._lock = threading.RLock()

    @property
    def token_requests(self) -> int:
        """How many tokens were asked for since `forget`; polls for a device code do not count."""
        return len([form for form in self.requests if not form["grant_type"].endswith("device_code")])

    @property
    def token_url(self) -> str:
        """The token endpoint."""
        return f"{self.url}/token"

    def will(self, *answers: Answer) -> None:
        """Sets what the next token requests get; afterwards it answers by itself again."""
        self._answers = list(answers)

    def forget(self) -> None:
        """Forgets what was requested, and what it was told to answer."""
        self.requests = []
        self._answers = []

    def valid(self, token: str) -> bool:
        """Returns whether a token is good now."""
        return self._valid.get(token, 0.0) > time.time() + self.skew

    def revoke_all(self) -> None:
        """Makes every access token useless; refresh tokens stay."""
        with self._lock:
            self._valid = {}

    def end_logins(self) -> None:
        """Makes every refresh token useless."""
        with self._lock:
            self._refresh_tokens = {}

    def issue(self, scope: str = "", refresh_token: str | None = None) -> dict[str, Any]:
        """Issues tokens, and returns the answer that carries them (RFC 6749 section 5.1)."""
        now = int(time.time() + self.skew)
        life = self.lifetime if self.lifetime is not None else 3600.0
        claims = {"iss": self.url, "sub": "user-1", "iat": now, "exp": now + life, "email": "ada@example.com"}
        value, id_token = (_unsigned({**claims, **self.claims, "jti": secrets.token_hex(8)}) for _ in range(2))
        with self._lock:
            for token in (value, id_token):
                self._valid[token] = now + life
            self.secrets |= {value, id_token}
        answer: dict[str, Any] = {"token_type": "Bearer", "id_token": id_token}
        inner = answer
        for key in self.token_keys[:-1]:
            inner = inner.setdefault(key, {})
        inner[self.token_keys[-1]] = value
        if self.lifetime is not None:
            answer["expires_in"] = self.lifetime
        if scope:
            answer["scope"] = scope
        if refresh_token:
            answer["refresh_token"] = refresh_token
        return answer

    def new_refresh_token(self, scope: str = "") -> str:
        """Issues a refresh token."""
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._refresh_tokens[token] = scope
            self.secrets.add(token)
        return token

    def decide(self, user_code: str, allowed: bool) -> None:
        """Does what a person does who types in a user code."""
        with self._lock:
            _, login = self._devices[user_code]
            login.allowed = allowed

    @property
    def user_codes(self) -> list[str]:
        """The user codes that were shown to somebody."""
        return list(self._user_codes)

    def __enter__(self) -> AuthorizationServer:
        outer = self

        class Handler(_Handler):
            server_of_tokens = outer

        self._http = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()

    def answer(self, path: str, form: dict[str, str], authorization: str) -> Answer:
        """Answers a form that was posted by a program."""
        for name in ("refresh_token", "client_secret", "code", "code_verifier", "device_code", "client_assertion"):
            if form.get(name):
                self.secrets.add(form[name])
        if path == "/token":
            with self._lock:
                self.requests.append(form)
                scripted = self._answers.pop(0) if self._answers else None
            time.sleep(scripted.seconds if scripted else self.delay)
            if scripted:
                return scripted
        if not self._knows(form, authorization):
            return _no("invalid_client", "the client is not known, or its proof is wrong", 401)
        with self._lock:
            if path == "/token":
                return self._token(form)
            if path == "/device":
                return self._device(form)
            self.revoked.append(form.get("token", ""))
            self._refresh_tokens.pop(form.get("token", ""), None)
            self._valid.pop(form.get("token", ""), None)
            return Answer()

    def begin(self, query: Mapping[str, str]) -> str:
        """Notes an authorization request, and returns its code."""
        code = secrets.token_urlsafe(24)
        login = _Login(query["client_id"], query.get("scope", ""), query["redirect_uri"], query["code_challenge"])
        with self._lock:
            self._codes[code] = login
            self.secrets.add(code)
        return code

    def _knows(self, form: Mapping[str, str], authorization: str) -> bool:
        if authorization.startswith("Basic "):
            given = base64.b64decode(authorization.removeprefix("Basic ")).decode("latin-1")
            return given == f"{CLIENT_ID}:{self.secret}"
        if "client_assertion" in form:
            claims = jwt.decode(form["client_assertion"], self.client_key, algorithms=["RS256"]).claims
            now = time.time() + self.skew
            mine = claims["iss"] == claims["sub"] == CLIENT_ID and claims["aud"] == self.token_url
            return bool(mine and claims["jti"] and claims["iat"] <= now < claims["exp"])
        if "client_secret" in form:
            return form["client_id"] == CLIENT_ID and form["client_secret"] == self.secret
        if self.anonymous:
            return "client_id" not in form
        return form.get("client_id") == CLIENT_ID and form.get("grant_type") != "client_credentials"

    def _token(self, form: Mapping[str, str]) -> Answer:
        grant = form.get("grant_type")
        if grant == "client_credentials":
            return _json(self.issue(form.get("scope", "")))
        if grant == "refresh_token":
            given = form.get("refresh_token", "")
            if given not in self._refresh_tokens:
                return _no("invalid_grant", f"the refresh token {given} is used up or unknown")
            scope = self._refresh_tokens[given]
            if not self.rotates:
                return _json(self.issue(scope, given if self.returns_refresh_token else None))
            del self._refresh_tokens[given]
            return _json(self.issue(scope, self.new_refresh_token(scope)))
        if grant == "authorization_code":
            login = self._codes.pop(form.get("code", ""), None)
            digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            if login is None or login.challenge != challenge or login.redirect_uri != form.get("redirect_uri"):
                return _no("invalid_grant", "the code is unknown, or was meant for somebody else")
            return self._first(login)
        return self._poll(form.get("device_code", ""))

    def _first(self, login: _Login) -> Answer:
        refresh_token = self.new_refresh_token(login.scope) if self.returns_refresh_token else None
        return _json(self.issue(login.scope, refresh_token))

    def _device(self, form: Mapping[str, str]) -> Answer:
        device_code, user_code = secrets.token_urlsafe(24), secrets.token_hex(4).upper()
        self.secrets.add(device_code)
        self._devices[user_code] = (device_code, _Login(CLIENT_ID, form.get("scope", "")))
        self._user_codes.append(user_code)
        page = f"{self.url}/device"
        return _json(
            {
                "device_code": device_code,
                "user_code": user_code,
                "verification_uri": page,
                "verification_uri_complete": f"{page}?user_code={user_code}",
                "expires_in": 60,
                "interval": self.interval,
            }
        )

    def _poll(self, device_code: str) -> Answer:
        logins = [(code, login) for code, (known, login) in self._devices.items() if known == device_code]
        if not logins:
            return _no("expired_token", "the device code is unknown")
        ((user_code, login),) = logins
        login.polls.append(time.monotonic())
        if len(login.polls) > 1 and login.polls[-1] - login.polls[-2] < 0.9 * self.interval:
            return _no("slow_down", "that was too fast")
        if login.allowed is None:
            return _no("authorization_pending", "nobody has typed the code in yet")
        del self._devices[user_code]
        return self._first(login) if login.allowed else _no("access_denied", "the person said no")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing of clients that have gone away: some tests are about that."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server_of_tokens: AuthorizationServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0"))).decode()
        if self.server_of_tokens.json_only:
            form = json.loads(body) if self.headers["content-type"] == "application/json" else {}
        else:
            form = {name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()}
        path = urlsplit(self.path).path
        if path == "/decision":
            self._redirect(form)
            return
        answer = self.server_of_tokens.answer(path, form, self.headers.get("authorization", ""))
        self._send(answer.status, answer.body, {"content-type": "application/json", **answer.headers})

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path != "/authorize":
            self._send(404, b"no such page", {"content-type": "text/plain"})
            return
        if query.get("response_type") != "code" or query.get("code_challenge_method") != "S256":
            self._send(400, b"a code with PKCE S256 is all there is", {"content-type": "text/plain"})
            return
        fields = {"state": query["state"], "redirect_uri": query["redirect_uri"]}
        fields["code"] = self.server_of_tokens.begin(query)
        inputs = "".join(
            f'<input type="hidden" name="{name}" value="{html.escape(value)}">' for name, value in fields.items()
        )
        page = f"""<!doctype html><meta charset="utf-8"><title>Consent</title>
            <form method="post" action="/decision"><p>{html.escape(query["client_id"])} wants to chat for you.</p>
            {inputs}<button id="allow">Allow</button></form>
            <script>addEventListener("load", () => document.getElementById("allow").click());</script>"""
        self._send(200, page.encode(), {"content-type": "text/html; charset=utf-8"})

    def _redirect(self, form: Mapping[str, str]) -> None:
        if self.server_of_tokens.consent == "allow":
            answer = {"code": form["code"], "state": form["state"]}
        else:
            answer = {"error": "access_denied", "error_description": "the person said no", "state": form["state"]}
        self._send(303, b"", {"location": f"{form['redirect_uri']}?{urlencode(answer)}"})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name in the base class
        """Keeps the terminal clean."""


def _json(content: Mapping[str, Any]) -> Answer:
    return Answer(body=json.dumps(content).encode(), headers={"cache-control": "no-store"})


def _no(code: str, description: str, status: int = 400) -> Answer:
    body = json.dumps({"error": code, "error_description": description}).encode()
    return Answer(status=status, body=body)


def _unsigned(claims: Mapping[str, Any]) -> str:
    parts = (json.dumps(part).encode() for part in ({"alg": "RS256", "typ": "JWT"}, claims))
    head = ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
    return f"{head}.{secrets.token_urlsafe(32)}"

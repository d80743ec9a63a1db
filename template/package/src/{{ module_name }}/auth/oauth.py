"""OAuth 2.0's token endpoint (RFC 6749): requests, answers, errors, revocation. Template's file: do not edit.

Authlib builds the requests; what comes back is read here, within bounds, and never quoted with a secret in it.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

import httpx
from authlib.common.urls import add_params_to_qs
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_token_request
from authlib.oauth2.rfc7009 import prepare_revoke_token_request
from authlib.oauth2.rfc7523 import private_key_jwt_sign
from authlib.oauth2.rfc7523.client import ASSERTION_TYPE
from pydantic import BaseModel, Field, SecretStr, field_validator

from .._answers import (
    AUDIENCE,
    CLAIM_HEADERS,
    CLIENT_ID,
    ENV_PREFIX,
    RESOURCE,
    REVOCATION_URL,
    SCOPES,
    TOKEN_ENDPOINT_AUTH_METHOD,
    TOKEN_FIELD,
    TOKEN_URL,
)
from ..redaction import redacted
from .authenticator import CredentialError, Tls
from .refusals import login_is_over
from .signing import Key, Passphrase, load_key, valid_from
from .tokens import ClaimHeaders, DottedKey, Token, TokenFields, lifetime, lookup, printable, read_token, text_or_none

_MAX_ANSWER = 1024 * 1024
_IN_TROUBLE = {408, 429}
"""Statuses, beside 5xx, of a server that may give a token later."""
_STATUS_OF_CODE = {"temporarily_unavailable": 503, "server_error": 500, "rate_limit_exceeded": 429}
"""What servers say in the body of a 400 that would have been another status."""
_LONGEST_PAUSE = 300.0
_ERROR_FIELDS = ("error", "errorCode", "error_code")
_CODES = (*_ERROR_FIELDS, "error.code", "error.status", "error.type", "error.message", "code", "status")
"""Where servers say what is wrong, in a word: the first text counts."""
_DESCRIPTIONS = ("error_description", "error.message", "errorMessage", "errorSummary", "message", "detail")
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_HEADERS = {"accept": "application/json", "content-type": "application/x-www-form-urlencoded"}
_ASSERTION_SECONDS = 900
_OUR_FIELDS = {"grant_type", "body", "redirect_uri", "code", "code_verifier", "refresh_token", "device_code"}
_SHOWN_FIELDS = {"grant_type", "client_id", "scope", "audience", "resource", "redirect_uri", "token_type_hint"}


def secure_url(value: str) -> str:
    """Returns a URL that secrets may be sent to: https, or loopback.

    Raises:
        ValueError: it is neither.
    """
    url = value.strip()
    parts = urlsplit(url)
    if not parts.hostname or parts.username or parts.fragment:
        raise ValueError("it must be a URL like https://auth.example.com/oauth/token, without user and fragment")
    if parts.port == 0:  # reading it also finds a port that is none
        raise ValueError("its port must be between 1 and 65535")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise ValueError("it must begin with https://, as secrets are sent to it (http:// is for loopback)")
    return url


class OAuthError(CredentialError):
    """The authorization server says no.

    Args:
        message: for people.
        code: the server's word for it, such as `invalid_client`.
        over: whether the grant itself is dead, such as a refresh token that was used up.
    """

    def __init__(self, message: str, code: str, over: bool = False) -> None:
        # What needs another grant needs no pause: nobody is asked again before there is one.
        super().__init__(message, None if over else 1.0, 401 if over else _STATUS_OF_CODE.get(code, 401))
        self.code = code
        self.over = over


def _values_of(url: str) -> list[str]:
    """What a URL's query has, such as an API key."""
    return [value for _, value in parse_qsl(urlsplit(url).query)]


def _pause(header: str | None) -> float:
    """The seconds of a `Retry-After`, which may also be a date (RFC 9110 section 10.2.3); 0 without one."""
    seconds = lifetime(header)
    if seconds is None and header:
        with suppress(ValueError, TypeError):
            seconds = parsedate_to_datetime(header).timestamp() - time.time()
    return min(max(seconds or 0.0, 0.0), _LONGEST_PAUSE)


class OAuthSettings(BaseModel):
    """The settings of every OAuth kind."""

    token_url: str = TOKEN_URL
    revocation_url: str = REVOCATION_URL
    """Where tokens are revoked (RFC 7009); empty when the server cannot."""
    client_id: str = CLIENT_ID
    client_secret: SecretStr | None = None
    client_key: SecretStr | None = None
    """The private key of the client as PEM, for `private_key_jwt`."""
    client_key_file: str = ""
    """A file with that key."""
    client_key_passphrase: SecretStr | None = None
    """What opens that key, if it is encrypted."""
    client_key_id: str = ""
    client_key_algorithm: Literal["RS256", "ES256"] = "RS256"
    token_endpoint_auth_method: Literal["client_secret_basic", "client_secret_post", "private_key_jwt", "none"] = (
        TOKEN_ENDPOINT_AUTH_METHOD
    )
    scopes: str = SCOPES
    """Scopes, with blanks in between."""
    audience: str = AUDIENCE
    resource: str = RESOURCE
    token_field: DottedKey = TOKEN_FIELD
    """The field of an answer that is the token, as a dotted key."""
    claim_headers: ClaimHeaders = CLAIM_HEADERS
    """Headers by name, each with the claim of the token that is its value, as a dotted key."""
    token_request_fields: dict[str, SecretStr] = {}
    """More form fields of each token request."""
    token_request_format: Literal["form", "json"] = "form"
    """How token requests are written: as a form (RFC 6749), or as a JSON object."""
    token_timeout: float = Field(default=30.0, gt=0, le=60)
    """Seconds that a token request may take."""

    @field_validator("token_request_fields")
    @classmethod
    def _not_ours(cls, value: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for name in sorted(_OUR_FIELDS & value.keys()):
            raise ValueError(f"it must not have {name}, which is set by itself")
        return value

    @field_validator("token_url")
    @classmethod
    def _secure(cls, value: str) -> str:
        return secure_url(value)

    @field_validator("revocation_url")
    @classmethod
    def _secure_if_any(cls, value: str) -> str:
        return secure_url(value) if value else ""


@dataclass(frozen=True)
class Answer:
    """An answer of the authorization server."""

    status: int
    content: Mapping[str, Any]
    """Its JSON; empty when it is no JSON object."""
    secrets: tuple[str, ...] = field(repr=False)
    """What was sent, and may be quoted in it."""


class TokenEndpoint:
    """The authorization server, as far as programs talk to it.

    Args:
        settings: where it is, and who we are to it.
        tls: how its certificate is checked.
        remedy: what to do when the server refuses the grant itself, as a sentence's end.
        anonymous: whether a client may have no id, where it proves nothing either.
    """

    def __init__(
        self,
        settings: OAuthSettings,
        tls: Tls = lambda: True,
        remedy: str = "ask for access there",
        anonymous: bool = False,
    ) -> None:
        self._settings = settings
        self._tls = tls
        self._remedy = remedy
        self._anonymous = anonymous and settings.token_endpoint_auth_method == "none" and not settings.client_id
        self._fields = TokenFields(value=settings.token_field, claim_headers=settings.claim_headers)

    @property
    def host(self) -> str:
        """The server's name, for messages."""
        return urlsplit(self._settings.token_url).netloc

    def token(self, grant_type: str, previous: Token | None = None, **fields: str | None) -> Token:
        """Requests a token; see `token_and_answer`."""
        return self.token_and_answer(grant_type, previous, **fields)[0]

    def token_and_answer(
        self, grant_type: str, previous: Token | None = None, **fields: str | None
    ) -> tuple[Token, Mapping[str, Any]]:
        """Requests a token, and returns it with all that the server's answer has.

        Args:
            grant_type: the grant.
            previous: the token before, whose refresh token lives on when no new one comes.
            fields: what else the grant needs; None and empty ones are left out.

        Raises:
            CredentialError: no answer came that can be read.
            OAuthError: the server says no.
        """
        settings = self._settings
        everything = {
            **{name: value.get_secret_value() for name, value in settings.token_request_fields.items()},
            "audience": settings.audience,
            "resource": settings.resource,
            **{name: value for name, value in fields.items() if value},
        }
        body = prepare_token_request(grant_type, **{name: value for name, value in everything.items() if value})
        answer = self.post(settings.token_url, body, as_json=settings.token_request_format == "json")
        if answer.status >= 300 or any(answer.content.get(name) for name in _ERROR_FIELDS):
            raise self.refused(answer, grant_type)
        try:
            return read_token(answer.content, self._fields, previous), answer.content
        except ValueError as error:
            raise CredentialError(
                f"The answer of {self.host} is no token: {error}; "
                f"check {ENV_PREFIX}_TOKEN_URL and {ENV_PREFIX}_TOKEN_FIELD.",
                retry_after=1.0,
            ) from None

    def check(self) -> None:
        """Looks whether the settings say who we are; raises CredentialError when they do not."""
        settings = self._settings
        method = settings.token_endpoint_auth_method
        if not settings.client_id and not self._anonymous:
            raise CredentialError(
                f"There is no client id: set {ENV_PREFIX}_CLIENT_ID to the one that {self.host} knows."
            )
        if method.startswith("client_secret") and settings.client_secret is None:
            raise CredentialError(
                f"There is no client secret: set {ENV_PREFIX}_CLIENT_SECRET in the environment or in .env."
            )
        if method == "private_key_jwt":
            self._key()

    def revoke(self, token: Token) -> bool:
        """Revokes a token (RFC 7009), the refresh token if there is one; returns whether the server did."""
        if not self._settings.revocation_url:
            return False
        hint = "refresh_token" if token.refresh_token else "access_token"
        body, _ = prepare_revoke_token_request(token.refresh_token or token.value, hint, "", {})
        try:
            return self.post(self._settings.revocation_url, body, "REVOCATION_URL").status < 300
        except CredentialError:
            return False

    def post(self, url: str, body: str, setting: str = "TOKEN_URL", as_json: bool = False) -> Answer:
        """Posts a form as this client.

        Args:
            url: where to.
            body: the form.
            setting: what is to be mended when nothing answers there.
            as_json: whether the form is sent as a JSON object.

        Raises:
            CredentialError: nothing came back, or nothing that can be read.
        """
        url, headers, body = self._authenticated(url, body)
        sent = [value for name, value in parse_qsl(body) if name not in _SHOWN_FIELDS]
        if as_json:
            headers = {name: value for name, value in headers.items() if name.lower() != "content-type"}
            headers["content-type"] = "application/json"
            body = json.dumps(dict(parse_qsl(body, keep_blank_values=True)))
        failure, status, before = None, None, time.monotonic()
        try:
            response, content = self._exchange(url, headers, body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            failure = type(error).__name__
            # A connection that is ended as the time is up fails in its own ways.
            over = time.monotonic() - before >= self._settings.token_timeout
            late = over or isinstance(error, httpx.TimeoutException)
            status = 401 if isinstance(error, httpx.InvalidURL) else 408 if late else None
        if failure:  # raised here, so that what was sent does not hang on the error
            raise CredentialError(
                f"{urlsplit(url).netloc} cannot be reached ({failure}): check {ENV_PREFIX}_{setting} and the network.",
                retry_after=0.0,
                status=status,
            )
        if response.status_code in _IN_TROUBLE or response.status_code >= 500:
            raise CredentialError(
                f"The token endpoint {self.host} answers HTTP {response.status_code}: try again later.",
                retry_after=_pause(response.headers.get("retry-after")),
                status=response.status_code,
            )
        try:
            answer = json.loads(content)
        except (ValueError, RecursionError):
            answer = {}
        authorization = headers.get("Authorization", "")
        return Answer(
            status=response.status_code,
            content=answer if isinstance(answer, dict) else {},
            secrets=(*sent, *_values_of(url), *authorization.split()[1:], *self._secret()),
        )

    def _exchange(self, url: str, headers: dict[str, str], body: str) -> tuple[httpx.Response, bytes]:
        """Sends the form and reads the answer, all within the time that a token request may take."""
        seconds = self._settings.token_timeout
        connections: list[Any] = []

        def trace(event: str, info: dict[str, Any]) -> None:
            if event.endswith(("connect_tcp.complete", "start_tls.complete")):
                connections.append(info["return_value"])

        def end() -> None:
            for connection in connections:
                sock = connection.get_extra_info("socket")
                if sock is not None:
                    with suppress(OSError):
                        sock.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(seconds, end)  # httpx counts the time of each read
        timer.daemon = True
        timer.start()
        content = b""
        try:
            with (
                httpx.Client(verify=self._tls(), timeout=seconds) as client,
                client.stream("POST", url, headers=headers, content=body, extensions={"trace": trace}) as response,
            ):
                for part in response.iter_bytes():
                    content += part
                    if len(content) > _MAX_ANSWER:
                        raise CredentialError(
                            f"The answer of {self.host} has no end: check {ENV_PREFIX}_TOKEN_URL.", retry_after=1.0
                        )
        finally:
            timer.cancel()
        return response, content

    def _secret(self) -> tuple[str, ...]:
        secret = self._settings.client_secret
        return (secret.get_secret_value(),) if secret else ()

    def _authenticated(self, url: str, body: str) -> tuple[str, dict[str, str], str]:
        """The request with the client's proof (RFC 6749 section 2.3, RFC 7523 section 2.2)."""
        settings = self._settings
        method: Any = settings.token_endpoint_auth_method
        secret: Any = settings.client_secret.get_secret_value() if settings.client_secret else None
        self.check()
        if self._anonymous:
            return url, dict(_HEADERS), body
        if method == "private_key_jwt":
            return url, dict(_HEADERS), self._with_assertion(body)
        try:
            prepared: tuple[str, dict[str, str], str] = ClientAuth(settings.client_id, secret, method).prepare(
                "POST", url, dict(_HEADERS), body
            )
        except UnicodeError:
            raise CredentialError(
                f"{ENV_PREFIX}_CLIENT_ID or _CLIENT_SECRET has characters that cannot be sent."
            ) from None
        return prepared

    def _with_assertion(self, body: str) -> str:
        settings = self._settings
        issued_at = valid_from(time.time(), _ASSERTION_SECONDS)
        assertion = private_key_jwt_sign(
            self._key(),
            settings.client_id,
            settings.token_url,
            alg=settings.client_key_algorithm,
            header={"kid": settings.client_key_id} if settings.client_key_id else None,
            issued_at=issued_at,
            expires_at=issued_at + _ASSERTION_SECONDS,
        )
        added = [("client_assertion_type", ASSERTION_TYPE), ("client_assertion", assertion)]
        return str(add_params_to_qs(body, added))

    def _key(self) -> Key:
        settings = self._settings
        pem = settings.client_key.get_secret_value() if settings.client_key else None
        remedy = f"set {ENV_PREFIX}_CLIENT_KEY_FILE or {ENV_PREFIX}_CLIENT_KEY to the key of this client"
        passphrase = Passphrase(f"{ENV_PREFIX}_CLIENT_KEY_PASSPHRASE", settings.client_key_passphrase)
        return load_key(pem, settings.client_key_file, settings.client_key_algorithm, remedy, passphrase)

    def refused(self, answer: Answer, grant_type: str = "") -> CredentialError:
        """Returns the error for an answer that says no (RFC 6749 section 5.2), or in some other way.

        Args:
            answer: what it is.
            grant_type: the grant, if it is about one.
        """
        found = (text_or_none(lookup(answer.content, name)) for name in _CODES)
        code = next(filter(None, found), f"HTTP {answer.status}")
        told = next(filter(None, (text_or_none(lookup(answer.content, name)) for name in _DESCRIPTIONS)), code)
        text = printable(redacted(code if told == code else f"{code} ({told})", answer.secrets))
        over = code == "invalid_grant" or (grant_type == "refresh_token" and login_is_over(answer.content))
        if over:
            remedy = self._remedy
        elif code in ("invalid_client", "unauthorized_client", "HTTP 401"):
            remedy = f"check {ENV_PREFIX}_CLIENT_ID, and the secret or key that goes with it"
        else:
            remedy = f"check the settings whose names begin with {ENV_PREFIX}_"
        return OAuthError(f"The token endpoint {self.host} says {text}: {remedy}.", code, over)

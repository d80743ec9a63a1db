"""OAuth device code (RFC 8628): the browser may be on any machine. Template's file: do not edit."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import segno
from pydantic import field_validator

from .._answers import DEVICE_AUTHORIZATION_URL, PROVIDER_NAME
from .authenticator import Console, CredentialError, Tls
from .cache import CachedAuthenticator
from .flow import secrets_of
from .interactive import LOGIN, InteractiveSettings, InteractiveSource
from .oauth import secure_url
from .refused_tokens import RefusedTokens
from .store_settings import open_store, path_beside
from .tokens import Token, lifetime, printable, text_or_none

_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_INTERVAL, _SLOWER, _LONGEST = 5.0, 5.0, 60.0
_LIFE = 900.0


class Settings(InteractiveSettings):
    """The settings that this kind of authentication adds."""

    device_authorization_url: str = DEVICE_AUTHORIZATION_URL

    @field_validator("device_authorization_url")
    @classmethod
    def _secure_device(cls, value: str) -> str:
        return secure_url(value)


class DeviceCodeSource(InteractiveSource):
    """Logs a person in who types a code into a page of the server (`TokenSource`).

    Args:
        settings: the authorization server, and who we are to it.
        tls: how its certificate is checked.
        refused: the refresh tokens that are dead, as far as any process knows.
    """

    kind = "oauth_device_code"

    def __init__(self, settings: Settings, tls: Tls = lambda: True, refused: RefusedTokens | None = None) -> None:
        super().__init__(settings, tls, refused)
        self._settings = settings

    def login(self, console: Console) -> Token:
        """Shows code and address, and asks the server until somebody has typed the code in.

        Raises:
            CredentialError: it was denied, or nobody did so in time.
        """
        answer = self._codes()
        address = str(answer["verification_uri"])
        console.say(
            f"Log in to {PROVIDER_NAME}: open\n\n  {address}\n\nand type in the code\n\n  {answer['user_code']}\n"
        )
        complete = text_or_none(answer.get("verification_uri_complete"))
        if complete:
            console.say(f"or open {complete}\n")
        code = _qr_code(complete or address)
        if code:
            console.say(code)
        console.say("Waiting for you to finish there ...")
        return self._poll(str(answer["device_code"]), answer)

    def _codes(self) -> Mapping[str, Any]:
        fields = {
            "scope": self._settings.scopes,
            "audience": self._settings.audience,
            "resource": self._settings.resource,
        }
        body = urlencode({name: value for name, value in fields.items() if value})
        reply = self._endpoint.post(self._settings.device_authorization_url, body, "DEVICE_AUTHORIZATION_URL")
        answer = reply.content
        if reply.status >= 300 or answer.get("error"):
            raise self._endpoint.refused(reply)
        missing = [name for name in ("device_code", "user_code") if not text_or_none(answer.get(name))]
        address = text_or_none(answer.get("verification_uri")) or text_or_none(answer.get("verification_url"))
        if missing or address is None:
            raise CredentialError(
                f"The answer of {self._endpoint.host} has no {(missing or ['verification_uri'])[0]}: is "
                f"{self._settings.device_authorization_url} its device authorization endpoint?"
            )
        shown = ("user_code", "verification_uri_complete")
        texts = {name: printable(str(answer[name])) for name in shown if answer.get(name)}
        return {**answer, **texts, "verification_uri": printable(address)}

    def _poll(self, device_code: str, answer: Mapping[str, Any]) -> Token:
        """Asks at the server's pace (RFC 8628 section 3.5)."""
        interval = min(lifetime(answer.get("interval")) or _INTERVAL, _LONGEST)
        deadline = time.monotonic() + (lifetime(answer.get("expires_in")) or _LIFE)
        while time.monotonic() + interval < deadline:
            time.sleep(interval)
            try:
                return self._endpoint.token(_GRANT, device_code=device_code)
            except CredentialError as error:
                code = getattr(error, "code", None)
                if code == "slow_down":
                    interval = min(interval + _SLOWER, _LONGEST)
                elif code == "access_denied":
                    raise CredentialError(f"The login to {PROVIDER_NAME} was denied: {LOGIN} again.") from None
                elif code == "expired_token":
                    break
                elif code is None and error.retry_after is not None:  # the network, or a server in trouble
                    interval = min(max(2 * interval, error.retry_after), _LONGEST)
                elif code != "authorization_pending":
                    raise
        raise CredentialError(f"The code has expired before anybody typed it in: {LOGIN} again.")


def authenticator(settings: Settings, tls: Tls = lambda: True) -> CachedAuthenticator:
    """Returns what authenticates calls with these settings."""
    store = open_store(settings, "oauth_device_code", Settings)
    refused = RefusedTokens(path_beside(settings, "oauth_device_code", Settings, ".refused"))
    return CachedAuthenticator(DeviceCodeSource(settings, tls, refused), store, secrets_of(settings))


def _qr_code(address: str) -> str | None:
    """A QR code of the address, where the terminal can show one."""
    encoding = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "")
    if not (sys.stdout.isatty() and encoding == "utf8"):
        return None
    drawn = io.StringIO()
    segno.make(address, error="l", micro=False).terminal(drawn, border=1, compact=True)
    return drawn.getvalue()

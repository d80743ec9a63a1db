"""A token file that another program also owns, renewed with its refresh token. Template's file: do not edit.

Vendors' command lines log a person in and leave such a file. Both programs renew the token, and refresh tokens
are often good for one use only: so the file is read again before each renewal, under a lock, and what is new is
written back at once, with every other field left as it is.
"""

from __future__ import annotations

import json
import logging
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from .._answers import (
    ENV_PREFIX,
    FILE_ACCESS_TOKEN,
    FILE_EXPIRES_AT,
    FILE_REFRESH_TOKEN,
    TOKEN_FILE,
)
from .authenticator import Console, CredentialError, Status, Tls, UnreadableError, read_when_whole, status_of
from .cache import CachedAuthenticator
from .flow import secrets_of
from .oauth import OAuthError, OAuthSettings, TokenEndpoint
from .refused_tokens import RefusedTokens
from .store import MemoryStore, process_lock, write_in_place, write_private
from .tokens import (
    DottedKey,
    Token,
    TokenFields,
    keep_private,
    keys_of,
    lookup,
    read_token,
    text_or_none,
    timestamp,
    timestamp_like,
)

logger = logging.getLogger(__package__)

_BARE_TOKEN = re.compile(r"[\w~+/.:|=-]{8,}", re.ASCII)
"""A file that is just a refresh token; what begins like JSON is not, so that half of such a file is no token."""

_LAST_REFRESH = ("last_refresh", "lastRefresh", "last_refreshed", "lastRefreshed", "last_refresh_at", "lastRefreshAt")
"""How programs call the time of the last renewal."""

_MILLISECONDS = ("expiry_date",)
"""Fields with milliseconds, although their names are not spelled as in JavaScript, whose times are such."""


class Settings(OAuthSettings):
    """The settings that this kind of authentication adds."""

    token_file: str = TOKEN_FILE
    """The file: JSON, or a text that is just the refresh token."""
    refresh_token: SecretStr | None = None
    """A refresh token, for machines without the file, or where the file's own is dead."""
    file_access_token: DottedKey = FILE_ACCESS_TOKEN
    """Where in it the access token is, as a dotted key."""
    file_refresh_token: DottedKey = FILE_REFRESH_TOKEN
    file_expires_at: str = FILE_EXPIRES_AT
    """Where its expiry is, if it has one; a JWT tells by itself."""


class SharedTokenFile:
    """Tokens of a file that another program writes, too (`TokenSource`).

    Args:
        settings: the file, the authorization server, and who we are to it.
        tls: how its certificate is checked.
    """

    def __init__(self, settings: Settings, tls: Tls = lambda: True) -> None:
        self._settings = settings
        self._path = Path(os.path.expanduser(settings.token_file))
        self._remedy = f"log in with the program that writes {self._path}"
        self._endpoint = TokenEndpoint(settings, tls, remedy=self._remedy, anonymous=True)
        given = settings.refresh_token
        self._given = given.get_secret_value().strip() if given else None
        self._fields = TokenFields(
            value=settings.file_access_token,
            expires_at=tuple(filter(None, (settings.file_expires_at,))),
            claim_headers=settings.claim_headers,
        )
        self._refused = RefusedTokens(self._path.with_name(f"{self._path.name}.refused"))
        self._successors: dict[str, str] = {}
        """Refresh tokens that could not be written, by those that are still in the file."""

    def check(self) -> None:
        """See `TokenSource.check`."""

    def fetch(self, previous: Token | None, refused: Token | None) -> Token:
        """Returns the file's token if it is another one than before and still good, else renews it."""
        if self._given and not os.path.isfile(self._path):
            return self._fetched_without_file(previous)
        self._read_when_whole()  # before a lock file is left in a folder that nobody has
        with process_lock(self._path):
            content = self._read_when_whole()
            token, now = self._token(content), time.time()
            good = token is not None and (refused is None or token.value != refused.value)
            known = token is not None and previous is not None and token.value == previous.value
            if token and good and (now < token.renew_at or (now < token.usable_until and not known)):
                return token
            in_file = text_or_none(lookup(content, self._settings.file_refresh_token))
            if in_file is None and self._given is None:
                raise CredentialError(
                    f"{self._path} has no {self._settings.file_refresh_token}: {self._remedy}, "
                    f"or set {ENV_PREFIX}_FILE_REFRESH_TOKEN to its place."
                )
            refresh_token = self._newest(in_file)
            if not os.access(self._path, os.W_OK):
                raise CredentialError(
                    f"{self._path} cannot be written, but its refresh token may be good for one use only: "
                    "mend its permissions, or mount it so that it can be written."
                )
            try:
                renewed, answer = self._endpoint.token_and_answer("refresh_token", token, refresh_token=refresh_token)
            except OAuthError as error:
                return self._renewed_by_other(error, in_file, refresh_token)
            self._write(renewed, in_file, answer)
            return renewed

    def _newest(self, in_file: str | None) -> str:
        """The refresh token to send: the file's, else the one of the settings; of each, what took its place."""
        known = [self._successors.get(token, token) for token in (in_file, self._given) if token]
        refusals = {token: self._refused.message(token) for token in known}
        good = next((token for token, refusal in refusals.items() if refusal is None), None)
        if good is None:
            raise CredentialError(str(refusals[known[0]]))
        return good

    def _fetched_without_file(self, previous: Token | None) -> Token:
        """Renews with the refresh token of the settings; there is no file, and none is made for the other program."""
        refresh_token = self._newest(None)
        try:
            renewed = self._endpoint.token("refresh_token", previous, refresh_token=refresh_token)
        except OAuthError as error:
            if error.over:
                self._refused.add(refresh_token, str(error))
            raise
        if renewed.refresh_token and renewed.refresh_token != refresh_token:
            if not self._successors:
                logger.warning(
                    "the token endpoint gives a new refresh token each time, and there is no %s to keep it in: "
                    "other processes, and this one when it starts again, cannot use %s_REFRESH_TOKEN",
                    self._path,
                    ENV_PREFIX,
                )
            self._successors[str(self._given)] = renewed.refresh_token
        return renewed

    def has_refresh_token(self, text: str) -> bool:
        """See `RefreshTokenSource.has_refresh_token`."""
        if text == self._given:
            return True
        try:
            return bool(text == lookup(self._read(), self._settings.file_refresh_token))
        except CredentialError:
            return False

    def login(self, console: Console) -> Token:
        """Tries the file: the login itself belongs to the program that writes it."""
        return self.fetch(None, None)

    def revoke(self, token: Token) -> bool:
        """Does nothing: the token is the other program's."""
        return False

    def status(self, token: Token | None) -> Status:
        """See `TokenSource.status`."""
        try:
            content = self._read()
            token = token or self._token(content)
            renewable = bool(self._given or text_or_none(lookup(content, self._settings.file_refresh_token)))
        except CredentialError:
            renewable = self._given is not None
        alive = bool(token and (token.expires_at is None or time.time() < token.expires_at))
        return Status(
            kind="oauth_refresh_token",
            ready=alive or renewable,
            source=str(self._path),
            who=token.who if token else None,
            scopes=tuple(token.scope.split()) if token else (),
            expires_at=token.expires_at if token else None,
            renewable=renewable,
        )

    def _read(self) -> dict[str, Any]:
        try:
            keep_private(self._path)
            text = self._path.read_text(encoding="utf-8-sig")
            content = self._from_text(text) or json.loads(text)
        except FileNotFoundError:
            raise CredentialError(
                f"There is no {self._path}: {self._remedy}, or set {ENV_PREFIX}_TOKEN_FILE."
            ) from None
        except OSError as error:
            text = f"{self._path} cannot be read: {error.strerror}; mend its permissions."
            raise CredentialError(text, status=status_of(error)) from None
        except (ValueError, RecursionError):
            content = None
        if not isinstance(content, dict):
            text = f"{self._path} holds no JSON object: {self._remedy} again."
            raise CredentialError(text) if content is not None else UnreadableError(text)
        return content

    def _from_text(self, text: str) -> dict[str, Any] | None:
        """The content of a file that is no JSON, but just a refresh token; None for any other."""
        token = text.strip()
        self._bare = bool(_BARE_TOKEN.fullmatch(token))
        content: dict[str, Any] = {}
        if self._bare:
            _put(content, self._settings.file_refresh_token, token)
        return content or None

    def _token(self, content: Mapping[str, Any]) -> Token | None:
        try:
            return read_token(content, self._fields, fresh=False)
        except ValueError:
            return None

    def _renewed_by_other(self, error: OAuthError, in_file: str | None, refresh_token: str) -> Token:
        """The token that the other program got for the refresh token, when it was faster."""
        content = self._read_when_whole()
        token = self._token(content)
        if token and lookup(content, self._settings.file_refresh_token) != in_file and time.time() < token.renew_at:
            return token
        if error.over:
            self._refused.add(refresh_token, str(error))
        raise error

    def _write(self, token: Token, in_file: str | None, answer: Mapping[str, Any]) -> None:
        """Writes the new token back, unless the other program has written one of its own meanwhile."""
        try:
            content = self._read_when_whole()
            if lookup(content, self._settings.file_refresh_token) == in_file:
                self._replace(self._updated(content, token, answer))
        except Exception as error:  # whatever it is, the token is good, and the old refresh token may be used up
            if token.refresh_token:
                self._successors[in_file or str(self._given)] = token.refresh_token
            reason = getattr(error, "strerror", None) or type(error).__name__
            logger.warning("the new token cannot be written to %s: %s", self._path, reason)

    def _read_when_whole(self) -> dict[str, Any]:
        """Reads the file, which the other program may be writing at this moment."""
        return read_when_whole(self._read)

    def _updated(self, content: dict[str, Any], token: Token, answer: Mapping[str, Any]) -> str:
        settings = self._settings
        if self._bare:
            return f"{token.refresh_token or lookup(content, settings.file_refresh_token)}\n"
        milliseconds = _in_milliseconds(content, settings.file_expires_at)
        _update_beside(_beside(content, settings.file_access_token)[0], answer)
        _update_last_refresh(_beside(content, settings.file_access_token))
        _put(content, settings.file_access_token, token.value)
        if token.refresh_token:
            _put(content, settings.file_refresh_token, token.refresh_token)
        if settings.file_expires_at and token.expires_at is not None:
            _put(
                content,
                settings.file_expires_at,
                timestamp_like(lookup(content, settings.file_expires_at), token.expires_at, milliseconds),
            )
        text = json.dumps(content, indent=2, ensure_ascii=False)
        try:
            text.encode()
        except UnicodeEncodeError:  # halves of characters, which only JSON's escapes can spell
            text = json.dumps(content, indent=2)
        return text + "\n"

    def _replace(self, text: str) -> None:
        try:
            write_private(self._path, text)
        except OSError:  # a file that is mounted by itself, or has another owner
            write_in_place(self._path, text)


def authenticator(settings: Settings, tls: Tls = lambda: True) -> CachedAuthenticator:
    """Returns what authenticates calls with these settings; the file is its store."""
    return CachedAuthenticator(SharedTokenFile(settings, tls), MemoryStore(settings.token_file), secrets_of(settings))


def _put(content: dict[str, Any], path: str, value: object) -> None:
    *parents, last = keys_of(path)
    for key in parents:
        inner = content.get(key)
        if not isinstance(inner, dict):
            inner = content[key] = {}
        content = inner
    content[last] = value


def _in_milliseconds(content: Mapping[str, Any], path: str) -> bool:
    """Whether an expiry that does not tell by itself, such as 0, is to be in milliseconds: by the field's name."""
    last = keys_of(path)[-1] if path else ""
    return last in _MILLISECONDS or bool(re.search(r"[a-z][A-Z]", last))


def _beside(content: dict[str, Any], path: str) -> list[dict[str, Any]]:
    """The objects around a dotted key, the innermost first."""
    found = [content]
    for key in keys_of(path)[:-1]:
        inner = found[0].get(key)
        if not isinstance(inner, dict):
            break
        found.insert(0, inner)
    return found


def _update_beside(inner: dict[str, Any], answer: Mapping[str, Any]) -> None:
    """Renews what the answer has and the file already keeps beside the access token, such as an id_token."""
    for name, value in answer.items():
        camel = re.sub(r"_([a-z])", lambda found: found[1].upper(), name)
        for known in {name, camel} & inner.keys():
            if isinstance(value, str) and isinstance(inner[known], str):
                inner[known] = value


def _update_last_refresh(objects: list[dict[str, Any]]) -> None:
    """Writes the time of this renewal where the file keeps that of the last, in its spelling."""
    for inner in objects:
        for name in inner.keys() & set(_LAST_REFRESH):
            if timestamp(inner[name]) is not None:
                inner[name] = timestamp_like(inner[name], time.time(), milliseconds="R" in name)

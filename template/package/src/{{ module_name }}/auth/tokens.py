"""A token: its value, its life, and how answers, files and commands spell them. Template's file: do not edit."""

from __future__ import annotations

import base64
import errno
import json
import logging
import math
import os
import re
import stat
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator

from .authenticator import CredentialError

logger = logging.getLogger(__package__)

_RENEW_SHARE, _RENEW_SECONDS = 0.25, 300.0
_LAST_SHARE, _LAST_SECONDS = 0.1, 30.0
_MILLISECONDS_FROM = 1e11  # as seconds, this is in the year 5138
_MAX_LENGTH = 64 * 1024
_FOREVER = 100 * 365 * 86400.0
_WHO = ("preferred_username", "email", "upn", "sub")


@dataclass(frozen=True, slots=True)
class Token:
    """An access token. Times are seconds since the epoch by this machine's clock; its repr shows no secret."""

    value: str = field(repr=False)
    expires_at: float | None = None
    """None when nobody said: it is then good until the upstream refuses it."""
    issued_at: float = 0.0
    refresh_token: str | None = field(default=None, repr=False)
    scope: str = ""
    who: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Headers that go with it, such as an account's id."""

    @property
    def renew_at(self) -> float:
        """When it is time to renew it in the background: early enough for clocks that differ by minutes."""
        return self._before_end(_RENEW_SHARE, _RENEW_SECONDS)

    @property
    def usable_until(self) -> float:
        """When calls have to wait for a new one: it would expire on its way."""
        return self._before_end(_LAST_SHARE, _LAST_SECONDS)

    def _before_end(self, share: float, seconds: float) -> float:
        if self.expires_at is None:
            return math.inf
        return self.expires_at - min(seconds, share * max(0.0, self.expires_at - self.issued_at))

    def to_json(self) -> dict[str, Any]:
        """Returns it for a token store."""
        return {**asdict(self), "headers": dict(self.headers)}

    @classmethod
    def from_json(cls, content: object) -> Token:
        """Reads it from a token store.

        Raises:
            ValueError: that is no token.
        """
        if not isinstance(content, dict):
            raise ValueError("it holds no object")
        headers = content.get("headers") or {}
        if not isinstance(headers, dict):
            raise ValueError("headers is no object")
        return cls(
            value=checked_token(content.get("value")),
            expires_at=timestamp(content.get("expires_at")),
            issued_at=timestamp(content.get("issued_at")) or 0.0,
            refresh_token=text_or_none(content.get("refresh_token")),
            scope=text_or_none(content.get("scope")) or "",
            who=text_or_none(content.get("who")),
            headers={str(name): _header_value(value) for name, value in headers.items()},
        )


@dataclass(frozen=True)
class TokenFields:
    """Where a token and what belongs to it are in a JSON object, as dotted keys (see `lookup`)."""

    value: str = "access_token"
    expires_at: tuple[str, ...] = ("expires_at", "expires_on", "expiresOn", "expiry")
    claim_headers: Mapping[str, str] = field(default_factory=dict)
    """Headers by name, each with the claim of the token that is its value."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers that go with every such token."""


def read_token(
    content: Mapping[str, Any], fields: TokenFields, previous: Token | None = None, fresh: bool = True
) -> Token:
    """Reads a token answer (RFC 6749 section 5.1), or a JSON object that a file or a command has.

    A life in seconds (`expires_in`) is counted from now, so that it holds whatever the clocks say; next comes a
    point in time; without both, the claims of a JWT tell.

    Args:
        content: the object.
        fields: where its parts are.
        previous: the token that it takes the place of; its refresh token lives on when none came.
        fresh: whether it was issued just now, so that its life can be counted from now.

    Raises:
        ValueError: there is no token, or none that can be sent; the message quotes no value.
    """
    value = lookup(content, fields.value)
    if value is None:
        raise ValueError(f"it has no {fields.value}")
    given = next((found for name in fields.expires_at if (found := lookup(content, name)) is not None), None)
    expires_in = lifetime(content.get("expires_in")) if fresh else None
    token = token_from_text(value, fields, timestamp(given), expires_in, fresh)
    claims = {**jwt_claims(token.value), **jwt_claims(content.get("id_token"))}
    scope = content.get("scope")
    return Token(
        value=token.value,
        expires_at=token.expires_at,
        issued_at=token.issued_at,
        refresh_token=text_or_none(content.get("refresh_token")) or (previous.refresh_token if previous else None),
        scope=" ".join(map(str, scope)) if isinstance(scope, list) else text_or_none(scope) or "",
        who=_who(claims) or (previous.who if previous else None),
        headers={
            **(previous.headers if previous else {}),
            **fields.headers,
            **_claim_headers(claims, fields.claim_headers),
        },
    )


def token_from_text(
    value: object,
    fields: TokenFields,
    expires_at: float | None = None,
    expires_in: float | None = None,
    fresh: bool = True,
) -> Token:
    """Returns the token for its bare value.

    Args:
        value: the token.
        fields: which headers go with it.
        expires_at: when it expires, if somebody said so.
        expires_in: its life from now on in seconds, if somebody said so.
        fresh: whether it was issued just now.

    Raises:
        ValueError: it cannot be sent.
    """
    text = checked_token(value)
    now = time.time()
    claims = jwt_claims(text)
    exp, iat = timestamp(claims.get("exp")), timestamp(claims.get("iat"))
    if expires_in is None and expires_at is None and exp is not None:
        if fresh and iat is not None:
            expires_in = max(0.0, exp - iat)  # its issuer's clock may differ from ours
        else:
            expires_at = exp
    return Token(
        value=text,
        expires_at=now + expires_in if expires_in is not None else expires_at,
        issued_at=now if fresh or iat is None else min(now, iat),
        who=_who(claims),
        headers={**fields.headers, **_claim_headers(claims, fields.claim_headers)},
    )


def lookup(content: object, path: str) -> Any:
    """Returns what is at a dotted key (see `keys_of`), or None."""
    for key in keys_of(path):
        if not isinstance(content, Mapping):
            return None
        content = content.get(key)
    return content


def keys_of(path: str) -> list[str]:
    """Returns the keys of a dotted key as TOML writes it: `tokens."a.b".c` has three."""
    return [quoted or bare for quoted, bare in re.findall(r'"([^"]*)"|([^."]+)', path)]


def jwt_claims(text: object) -> dict[str, Any]:
    """Returns the claims of a JWT (RFC 7519), unverified: only its issuer's audience can; {} for other tokens."""
    if not isinstance(text, str) or text.count(".") != 2:
        return {}
    part = text.split(".")[1]
    try:
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def dotted_key(path: str) -> str:
    """Returns a dotted key that `lookup` can follow.

    Raises:
        ValueError: it is none.
    """
    if not re.fullmatch(r'([A-Za-z0-9_-]+|"[^"]+")(\.([A-Za-z0-9_-]+|"[^"]+"))*', path):
        raise ValueError(f"{path!r} is no dotted key, such as tokens.access_token; other names go into double quotes")
    return path


def header_names(headers: dict[str, str]) -> dict[str, str]:
    """Returns headers whose names can be sent.

    Raises:
        ValueError: one cannot.
    """
    for name in headers:
        if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name):
            raise ValueError(f"{name!r} is no header name, such as X-Account-Id")
    return headers


def _claim_paths(headers: dict[str, str]) -> dict[str, str]:
    for path in headers.values():
        dotted_key(path)
    return headers


DottedKey = Annotated[str, AfterValidator(dotted_key)]
"""A setting that says where something is in JSON."""

Headers = Annotated[dict[str, str], AfterValidator(header_names)]
"""A setting with headers by name."""

ClaimHeaders = Annotated[Headers, AfterValidator(_claim_paths)]
"""A setting with headers by name, each with the claim that is its value."""


def printable(text: str, limit: int = 300) -> str:
    """Returns what a server said as one line that a terminal can show.

    Args:
        text: its words.
        limit: how many characters of them.
    """
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:limit]


def checked_token(value: object) -> str:
    """Returns a token as a header can carry it.

    Raises:
        ValueError: no header can.
    """
    text = value.strip() if isinstance(value, str) else ""
    if not text:
        raise ValueError("the token is empty or no text")
    if len(text) > _MAX_LENGTH or not (text.isascii() and text.isprintable()) or " " in text:
        raise ValueError("the token has characters, or a length, that a header cannot carry")
    return text


def _header_value(value: object) -> str:
    """Returns the value of a header that goes with a token; other than a token, it may hold blanks."""
    text = value.strip() if isinstance(value, str) else ""
    if not text or len(text) > _MAX_LENGTH or not (text.isascii() and text.isprintable()):
        raise ValueError("a header that goes with the token has characters, or a length, that it cannot have")
    return text


def text_or_none(value: object) -> str | None:
    """Returns a text that is not empty, else None."""
    return value.strip() or None if isinstance(value, str) else None


def lifetime(value: object) -> float | None:
    """Returns a life in seconds, given as a number or as text; None for anything else."""
    number = _number(value)
    return min(max(number, 0.0), _FOREVER) if number is not None else None


def timestamp(value: object) -> float | None:
    """Returns a point in time as seconds since the epoch: from seconds, milliseconds or ISO 8601, else None."""
    number = _number(value)
    if number is None and isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value.strip())
            number = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError, OSError):
            return None
    if number is None:
        return None
    seconds = number / 1000 if number >= _MILLISECONDS_FROM else number
    return min(max(seconds, 0.0), time.time() + _FOREVER)


def timestamp_like(old: object, moment: float, milliseconds: bool = False) -> object:
    """Returns a point in time in the spelling that a file already uses for it (see `timestamp`).

    Args:
        old: the value in the file.
        moment: seconds since the epoch.
        milliseconds: whether numbers are such, when the old value is 0 or none and does not tell.
    """
    if isinstance(old, str) and _number(old) is None:
        return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    number = _number(old)
    seconds = moment * 1000 if (number >= _MILLISECONDS_FROM if number and number > 0 else milliseconds) else moment
    return str(int(seconds)) if isinstance(old, str) else int(seconds)


def cannot_read(what: str, error: Exception, remedy: str, retry_after: float | None = None) -> CredentialError:
    """Returns the error for something that is no token."""
    return CredentialError(f"{what} gives no token: {error}; {remedy}.", retry_after)


def _claim_headers(claims: Mapping[str, Any], wanted: Mapping[str, str]) -> dict[str, str]:
    found = {name: lookup(claims, path) for name, path in wanted.items()}
    return {name: _header_value(str(value)) for name, value in found.items() if isinstance(value, str | int)}


def _who(claims: Mapping[str, Any]) -> str | None:
    return next((claims[name] for name in _WHO if isinstance(claims.get(name), str) and claims[name]), None)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def keep_private(path: Path, *, platform_managed: bool = False) -> None:
    """Takes away the right of others to read or write a file that holds a secret, with a warning (as ssh minds it).

    What is mounted read-only is as the platform wants it.

    Args:
        path: the file; what it links to is meant.
        platform_managed: whether it may belong to somebody else, who then answers for it.

    Raises:
        CredentialError: others can read it, and that cannot be changed.
        OSError: it cannot be looked at.
    """
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name == "nt" or not mode & 0o077:
        return
    try:
        path.chmod(mode & ~0o077)
    except OSError as error:
        if platform_managed or error.errno == errno.EROFS:
            return
        raise CredentialError(
            f"Others can read {path}, which holds a secret, and that cannot be changed ({error.strerror}): "
            "run chmod 600 on it as its owner, or use another file."
        ) from None
    logger.warning("others could read %s, which holds a secret: now only its owner can", path)

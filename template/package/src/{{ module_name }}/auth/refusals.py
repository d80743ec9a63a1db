"""What servers say to a token that is no longer good: words and statuses, as data. Template's file: do not edit.

An author's own stand in upstream.toml, under `[credentials]`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

import httpx

from ..upstream import load_upstream

RENEW_STATUSES = frozenset({400, 403, 419, 440, 498})
"""Statuses, beside 401, that mean a stale token when the body or `WWW-Authenticate` says so."""

RENEW_WORDS = (
    "invalid_token",  # RFC 6750 section 3.1
    "expired_token",
    "token_expired",
    "access_token_expired",
    "invalid_access_token",
    "token expired",
    "token has expired",
    "token is expired",
    "token was expired",
    "token had expired",
    "expired token",
    "token included in the request is expired",
    "signature has expired",
    "session has expired",
    "session expired",
    "session is expired",
    "session not active",  # Keycloak's
    "token is not active",
    "token is inactive",
    "token is no longer valid",
    "token is invalid or expired",
    "token has been revoked",
    "invalid access token",
    "expired access token",
    "expired jwt",
    "jwt expired",
    "jwt is expired",
    "jwt has expired",
    "ExpiredToken",
    "ExpiredTokenException",
    "TokenExpired",
    "TokenExpiredError",
    "TokenExpiredException",
    "AccessTokenExpired",
    "ExpiredAuthenticationToken",
    "InvalidAuthenticationToken",
    "UNAUTHENTICATED",
)
"""What such a body says of an access token that another one may replace, as whole words in any case."""

LOGIN_OVER = (
    "invalid_grant",  # RFC 6749 section 5.2
    "invalid_refresh_token",
    "bad_refresh_token",
    "expired_refresh_token",
    "refresh_token_expired",
    "refresh_token_invalid",
    "refresh_token_invalidated",
    "refresh_token_revoked",
    "refresh_token_reused",
    "refresh_token_already_used",
    "refresh_token_not_found",
    "refresh_token_is_expired",
    "refresh_token_has_expired",
    "refresh_token_is_invalid",
    "refresh_token_is_not_valid",
    "refresh_token_has_been_revoked",
    "refresh_token_was_revoked",
    "refresh_token_has_already_been_used",
    "refresh_token_was_already_used",
    "token_expired",
    "token_revoked",
    "expired_token",
    "invalid_token",
    "user_disabled",
    "user_not_found",
    "app_session_terminated",
    "session_terminated",
    "session_expired",
    "session_not_found",
    "login_required",
    "interaction_required",
    "consent_required",
    "reauth_required",
    "invalid_rapt",
    "grant_has_expired",
    "log_in_again",
    "login_again",
    "sign_in_again",
    "malformed_refresh_token",
    "mfa_required",  # Auth0's
    "refresh_token_has_been_superseded",
    "refresh_token_is_malformed",
    "refresh_token_was_already_rotated",
    "session_has_ended",
    "session_has_expired",
    "session_is_not_active",
    "session_not_active",  # Keycloak's
    "session_revoked",
    "user_session_revoked",
    "stale_token",
    "token_inactive",  # Hydra's
    "token_is_inactive",
    "token_is_not_active",
    # Microsoft's, where only the number is left: the login has expired or was revoked, or a person is asked for something.
    "AADSTS50057",
    "AADSTS50076",
    "AADSTS50078",
    "AADSTS50079",
    "AADSTS50089",
    "AADSTS50132",
    "AADSTS50133",
    "AADSTS50173",
    "AADSTS65001",
    "AADSTS70008",
    "AADSTS70043",
    "AADSTS700082",
    "AADSTS700084",
)
"""What a token endpoint says of a refresh token that is dead: whole words, in any case, with any of `_`, `-` and blanks."""

_CLIENT_ERRORS = ("invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope", "invalid_target")
"""What is no fault of the refresh token, whatever words come with it."""


def login_is_over(content: object) -> bool:
    """Returns whether a token endpoint's refusal of a refresh token means that somebody has to log in again.

    Args:
        content: the JSON of the refusal; the words may stand anywhere in it.
    """
    texts = list(_texts(content))
    if any(_no_client().fullmatch(text) for text in texts):
        return False
    return any(_over().search(text) for text in texts)


def asks_for_renewal(response: httpx.Response) -> bool | None:
    """Returns whether an answer's status and headers mean that the token has to be renewed; None if its body tells."""
    if response.status_code < 400:
        return False
    if response.status_code == httpx.codes.UNAUTHORIZED:
        return True
    own = load_upstream().credentials
    if response.status_code in own.renew_statuses:
        return True
    if response.status_code not in RENEW_STATUSES:
        return False
    challenge = response.headers.get("www-authenticate", "")
    return True if re.search(r'error="?(invalid_token|expired_token)\b', challenge, re.IGNORECASE) else None


def body_asks_for_renewal(body: str) -> bool:
    """Returns whether the body of such an answer says that the token has to be renewed."""
    return bool(_renew().search(body)) or any(
        word.lower() in body.lower() for word in load_upstream().credentials.renew_words
    )


@cache
def _over() -> re.Pattern[str]:
    return _any_of(_any_spelling(word) for word in (*LOGIN_OVER, *load_upstream().credentials.log_in_again))


@cache
def _no_client() -> re.Pattern[str]:
    return _any_of(map(re.escape, _CLIENT_ERRORS))


@cache
def _renew() -> re.Pattern[str]:
    return _any_of(map(re.escape, RENEW_WORDS))


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-])({'|'.join(patterns)})(?![\w-])", re.IGNORECASE)


def _any_spelling(word: str) -> str:
    """A pattern for refresh_token_expired, refresh-token-expired, RefreshTokenExpired and Refresh token expired."""
    return r"[\s_-]*".join(map(re.escape, re.split(r"[\s_-]+", word))) + "(error|exception)?"


def _texts(content: object, depth: int = 5) -> Iterator[str]:
    """The texts in a JSON value; those that are very deep are not looked at."""
    if isinstance(content, str):
        yield content
    elif depth and isinstance(content, dict | list):
        for inner in content.values() if isinstance(content, dict) else content:
            yield from _texts(inner, depth - 1)

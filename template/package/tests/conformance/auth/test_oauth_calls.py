"""Calls through LiteLLM whose token endpoint fails: what the caller, and so a router, sees. Template's file."""

from __future__ import annotations

import importlib
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import litellm
import pytest

from ...package import answers, part
from ..calls import MODES, Mode, ask, cause
from ..conftest import use
from ..server import Raw, Upstream
from .authorization_server import Answer
from .token_account import TokenAccount

refusals: Any = part("auth.refusals")
upstream_file: Any = part("upstream")
PREFIX = answers.ENV_PREFIX
LOG_IN = re.compile("log in with the program|login`, as this login is over")
KIND = next(kind for kind in answers.AUTH if kind.startswith("oauth"))


@pytest.fixture
def account(tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> Iterator[TokenAccount]:
    """An account of the test's own at an authorization server, which the provider uses."""
    with importlib.import_module(f".{KIND}", __package__).open_account(tmp_path / "own") as opened:
        use(opened, upstream, monkeypatch)
        if answers.AUTH[0] != KIND:  # whose credential would come first
            for name, nothing in (("TOKEN_FILE", str(tmp_path / "none")), ("TOKEN_COMMAND", "false")):
                monkeypatch.setenv(f"{PREFIX}_{name}", nothing)
        yield opened


def failure(mode: Mode, model: str) -> Any:
    """Makes a call that fails, and returns the exception of LiteLLM."""
    with pytest.raises(Exception) as caught:  # noqa: PT011  # its class is what the test is about
        ask(mode, model)
    return cause(caught.value)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("answer", "name", "retry_after"),
    [
        (Answer(503, headers={"retry-after": "7"}), "ServiceUnavailableError", "7"),
        (Answer(503, b"<html>"), "ServiceUnavailableError", None),
        (Answer(429, headers={"retry-after": "7"}), "RateLimitError", "7"),
        (Answer(429, headers={"retry-after": "Fri, 01 Jan 2100 00:00:00 GMT"}), "RateLimitError", "300"),
        (Answer(500), "InternalServerError", None),
        (Answer(502), "BadGatewayError", None),
        (Answer(504), "Timeout", None),
        (Answer(400, b'{"error": "temporarily_unavailable"}'), "ServiceUnavailableError", "1"),
        (Answer(400, b'{"error": "invalid_client"}'), "AuthenticationError", None),
        (Answer(404, b"no such page"), "AuthenticationError", None),
    ],
)
def test_token_endpoint_that_fails(
    answer: Answer, name: str, retry_after: str | None, mode: Mode, account: TokenAccount, model: str
) -> None:
    """The class is that of what failed, with retry-after; also for calls that do not ask it, as it has just failed."""
    ask(mode, model)
    account.revoke()
    account.server.will(answer)
    for _ in range(2):
        error = failure(mode, model)
        assert type(error).__name__ == name
        if retry_after:
            assert error.response.headers["retry-after"] == retry_after
        else:
            assert "retry-after" not in getattr(getattr(error, "response", None), "headers", {})
        for secret in account.secrets:
            assert secret not in str(error)
    assert account.token_requests() == 1


@pytest.mark.parametrize("mode", MODES)
def test_token_endpoint_that_cannot_be_reached(
    mode: Mode, account: TokenAccount, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.revoke()
    monkeypatch.setenv(f"{PREFIX}_TOKEN_URL", "http://127.0.0.1:9/token")
    for _ in range(2):
        assert type(failure(mode, model)).__name__ == "APIConnectionError"


@pytest.mark.parametrize("mode", MODES)
def test_token_endpoint_that_is_slow(
    mode: Mode, account: TokenAccount, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.revoke()
    account.server.will(Answer(seconds=1.0))
    monkeypatch.setenv(f"{PREFIX}_TOKEN_TIMEOUT", "0.2")
    for _ in range(2):
        assert type(failure(mode, model)).__name__ == "Timeout"


@pytest.mark.skipif(KIND == "oauth_client_credentials", reason="declared: there is no refresh token")
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": "invalid_grant"}),
        (401, {"error": {"message": "Try signing in again.", "type": None, "code": "refresh_token_reused"}}),
        (400, {"errorCode": "invalid_grant", "errorSummary": "The refresh token is used up."}),
        (401, {"code": "refresh_token_expired"}),
        (400, {"error": {"code": 400, "message": "TOKEN_EXPIRED", "status": "INVALID_ARGUMENT"}}),
        (403, {"error": {"code": 403, "message": "USER_DISABLED : by an administrator", "errors": []}}),
        (400, {"error": "invalid_request", "error_description": "Invalid Refresh Token: Already Used"}),
        (401, {"error": {"type": "app_session_terminated"}}),
        (400, {"message": {"detail": "RefreshTokenExpired"}}),
        (400, {"error": "bad_request", "message": "Your refresh token has expired."}),
        (200, {"error": "bad_refresh_token"}),
        (401, {"error": {"code": 401, "message": "Session not active"}}),
        (400, {"error": "invalid_request", "error_description": "AADSTS50173: a fresh auth token is needed."}),
    ],
)
def test_refresh_token_that_is_dead(
    status: int, body: object, account: TokenAccount, upstream: Upstream, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody has to log in again; the token is sent once, also where other processes share it."""
    ask("sync", model)
    account.revoke()
    account.server.will(*[Answer(status, json.dumps(body).encode())] * 9)
    for _ in range(3):
        error = failure("sync", model)
        assert type(error).__name__ == "AuthenticationError"
        assert LOG_IN.search(str(error))
        assert "CLIENT_ID" not in str(error)
        use(account, upstream, monkeypatch)  # what another process would have
    assert account.token_requests() == 1


@pytest.mark.parametrize(
    ("over", "bodies"),
    [
        (
            True,
            [
                {"error": "invalid_grant", "error_description": "Token is not active"},
                {"error": "unauthorized", "message": "Refresh token is not active"},
                {"error": "interaction_required", "error_description": "AADSTS50076: use multi-factor authentication"},
                {"error": {"message": "AADSTS700082: inactive for 90.00:00:00"}},
                {"error": "mfa_required", "error_description": "Multifactor authentication required"},
                {"error": "token_inactive", "error_description": "It is malformed, expired or otherwise invalid."},
                {"__type": "NotAuthorizedException", "message": "Refresh Token has been revoked"},
                {"code": 400, "error_code": "refresh_token_not_found", "msg": "Refresh Token Not Found"},
                {"message": "Your session has ended. Please log in again."},
            ],
        ),
        (
            False,
            [
                {"error": "invalid_client", "error_description": "AADSTS7000222: The client secret is expired."},
                {"error": "unauthorized_client", "error_description": "AADSTS700016: Application not found"},
                {"error": "access_denied", "error_description": "Client is not active"},
                {"error": "invalid_request", "error_description": "refresh_token is missing"},
                {"errorCode": "E0000047", "errorSummary": "API call exceeded rate limit due to too many requests."},
                {"error": "temporarily_unavailable"},
            ],
        ),
    ],
)
def test_what_says_that_a_login_is_over(over: bool, bodies: list[object]) -> None:
    assert [body for body in bodies if refusals.login_is_over(body) is not over] == []


@pytest.mark.skipif(KIND == "oauth_client_credentials", reason="declared: there is no refresh token")
@pytest.mark.parametrize("body", [{"error": "invalid_client", "error_description": "invalid_grant?"}, {"error": "no"}])
def test_refresh_token_that_may_be_good(body: object, account: TokenAccount, model: str) -> None:
    """The client is wrong, or nobody knows what: the token is not given up."""
    ask("sync", model)
    account.revoke()
    account.server.will(Answer(400, json.dumps(body).encode()))
    assert "log in" not in str(failure("sync", model))
    time.sleep(1.1)
    assert ask("sync", model)


@pytest.mark.skipif(KIND == "oauth_client_credentials", reason="declared: there is no refresh token")
@pytest.mark.parametrize("mode", MODES)
def test_refresh_token_as_api_key(mode: Mode, account: TokenAccount, upstream: Upstream, model: str) -> None:
    """It never gets to the API."""
    known = list(account.server._refresh_tokens)
    assert known
    for token in known:
        with pytest.raises(litellm.AuthenticationError, match=r"is a refresh token.*leave api_key out") as caught:
            ask(mode, model, api_key=token)
        assert token not in str(caught.value)
    assert upstream.requests == []


def test_words_of_the_author(
    account: TokenAccount,
    upstream: Upstream,
    model: str,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    """Statuses and words of upstream.toml count beside those that are well known."""
    own = {"renew_statuses": {409}, "renew_words": {"Session Ended"}, "log_in_again": {"grant_gone"}}
    said = upstream_file.Upstream(credentials=upstream_file.Credentials(**own))
    monkeypatch.setattr(refusals, "load_upstream", lambda: said)
    refusals._over.cache_clear()
    request.addfinalizer(refusals._over.cache_clear)
    request.addfinalizer(lambda: setattr(upstream, "refuses", None))
    for refusal in (Raw(409), Raw(403, b"your session ended")):
        ask("sync", model)
        account.revoke()
        upstream.refuses = refusal
        use(account, upstream, monkeypatch)  # or the second would come within 10 seconds of the first
        assert ask("sync", model)
    if KIND != "oauth_client_credentials":
        account.revoke()
        account.server.will(Answer(400, b'{"error": "grant_gone"}'))
        use(account, upstream, monkeypatch)
        assert LOG_IN.search(str(failure("sync", model)))

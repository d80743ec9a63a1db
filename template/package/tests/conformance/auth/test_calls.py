"""Calls through LiteLLM with every kind of credential: what is sent, and what a refusal leads to. Template's."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import litellm
import pytest

from ...package import answers, auth, settings
from ..calls import HELLO, MODES, Mode, aask, ask, cause, stream
from ..conftest import use
from ..server import Raw, Refusal, Reply, Upstream
from .account import Account, open_account

UNPROTECTED = answers.AUTH[0] == "none"
pytestmark = pytest.mark.skipif(UNPROTECTED, reason="declared: the upstream asks for no credential")


@pytest.fixture
def account(tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """An account of the test's own, which the provider uses."""
    with open_account(tmp_path / "own") as opened:
        use(opened, upstream, monkeypatch)
        yield opened


def call(mode: Mode, streamed: bool, model: str, **arguments: Any) -> Any:
    """Makes a call."""
    return (stream if streamed else ask)(mode, model, **arguments)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_refused_credential(mode: Mode, streamed: bool, account: Account, upstream: Upstream, model: str) -> None:
    """The call goes out once more with a new credential, as the same request."""
    assert call(mode, streamed, model)
    account.revoke()
    upstream.reset()
    assert call(mode, streamed, model, extra_headers={"x-request-id": "id-9"})
    first, second = upstream.calls
    assert first.body == second.body
    assert first.headers["x-request-id"] == second.headers["x-request-id"] == "id-9"
    assert account.token_requests() == 1
    assert call(mode, streamed, model)
    assert len(upstream.calls) == 3, "the new credential is used from then on"


STALE = [
    Raw(403, b'{"error": {"message": "The access token expired", "code": "TokenExpired"}}'),
    Raw(403, b'{"error": "Session not active"}'),
    Raw(400, b'{"__type": "com.example#ExpiredTokenException"}'),
    Raw(498, b'{"error": "invalid_token"}', headers={"content-type": "text/plain"}),
    Raw(403, b"", headers={"www-authenticate": 'Bearer realm="x", error="invalid_token"'}),
    Raw(403, gzip.compress(b'{"message": "jwt expired"}'), headers={"content-encoding": "gzip"}),
]


@pytest.mark.feature("http")
@pytest.mark.skipif(answers.AUTH[0] == "api_key", reason="declared: keys do not expire")
@pytest.mark.parametrize("refusal", STALE)
@pytest.mark.parametrize("mode", MODES)
def test_stale_token_without_401(
    mode: Mode, refusal: Raw, account: Account, upstream: Upstream, model: str, request: pytest.FixtureRequest
) -> None:
    """Other statuses mean the same, if their words do."""
    ask(mode, model)
    account.revoke()
    upstream.reset()
    request.addfinalizer(lambda: setattr(upstream, "refuses", None))
    upstream.refuses = refusal
    assert call(mode, refusal.status == 403, model)
    assert len(upstream.calls) == 2
    assert account.token_requests() == 1


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("status", [400, 403])
def test_refusal_that_is_not_about_the_token(
    mode: Mode, status: int, account: Account, upstream: Upstream, model: str
) -> None:
    """No token is renewed, and the message is whole, however long it is."""
    ask(mode, model)
    account.revoke()
    upstream.guard = None
    upstream.reset()
    upstream.will(Refusal(status, "model_not_allowed", f"not for you: {'x' * 3000} so it is"))
    with pytest.raises(Exception, match="not for you"):
        ask(mode, model)
    assert len(upstream.calls) == 1
    assert account.token_requests() == 0


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_always_refused(mode: Mode, streamed: bool, account: Account, upstream: Upstream, model: str) -> None:
    """There is one more try, never a third."""
    upstream.will(*[Refusal(401, "invalid_token", "not you again", {"retry-after": "3"})] * 9)
    for _ in range(3):
        with pytest.raises(Exception, match="not you again") as caught:
            call(mode, streamed, model)
        error: Any = cause(caught.value)
        assert type(error).__qualname__ == "AuthenticationError"
        assert error.response.headers["retry-after"] == "3"
    assert len(upstream.calls) <= 2 * 3
    assert account.token_requests() <= 3


@pytest.mark.feature("chat")
def test_revoked_in_mid_stream(account: Account, upstream: Upstream, model: str) -> None:
    """A stream that has begun goes on; the next call finds out."""
    upstream.will(Reply(text=("one ", "two ", "three")))
    chunks = iter(litellm.completion(model=model, messages=HELLO, stream=True))
    next(chunks)
    account.revoke()
    assert len(list(chunks)) > 2
    assert ask("sync", model)
    assert account.token_requests() == 1


@pytest.mark.parametrize("mode", MODES)
def test_dropped_connection(mode: Mode, account: Account, upstream: Upstream, model: str) -> None:
    """LiteLLM's handler connects again, and the credential goes along."""

    async def calls() -> None:
        for _ in range(2):
            assert await aask(model)
            upstream.drop_connections()
            await asyncio.sleep(0.05)

    if mode == "async":
        asyncio.run(calls())
        return
    for _ in range(2):
        assert ask("sync", model)
        upstream.drop_connections()


@pytest.mark.parametrize("mode", MODES)
def test_body_that_can_be_sent_once(mode: Mode, account: Account, upstream: Upstream, model: str) -> None:
    """As a library: a body that is read while it is sent is not sent again."""
    ask("sync", model)
    account.revoke()
    upstream.reset()
    authenticator = auth.make_authenticator(settings.load_settings())
    authentication: Any = authenticator.for_call(None)
    url = f"{upstream.url}/v1/chat/completions"
    content = b'{"model": "m", "messages": [{"role": "user", "content": "hello"}]}'
    headers = {"content-length": str(len(content))}
    if mode == "sync":
        with httpx.Client(trust_env=False) as client:
            response = client.post(url, content=iter([content]), headers=headers, auth=authentication)
    else:

        async def post() -> httpx.Response:
            async def body() -> Any:
                yield content

            async with httpx.AsyncClient(trust_env=False) as client:
                return await client.post(url, content=body(), headers=headers, auth=authentication)

        response = asyncio.run(post())
    assert (response.status_code, len(upstream.calls)) == (401, 1)


@pytest.mark.parametrize("mode", MODES)
def test_credential_of_the_call(mode: Mode, account: Account, upstream: Upstream, model: str) -> None:
    upstream.guard = None
    ask(mode, model, api_key="of-this-call")
    request = upstream.requests[-1]
    assert "of-this-call" in f"{request.headers} {request.path}"
    assert account.token_requests() == 0
    with pytest.raises(litellm.AuthenticationError, match=r"cannot be sent|cannot carry") as caught:
        ask(mode, model, api_key="not\nto-be-sent")
    assert "to-be-sent" not in str(caught.value)


@pytest.mark.parametrize("mode", MODES)
def test_header_of_the_caller_wins(mode: Mode, account: Account, upstream: Upstream, model: str) -> None:
    if getattr(answers, "API_KEY_IN", "header") == "query":
        return
    upstream.guard = None
    ask(mode, model, extra_headers={answers.API_KEY_HEADER: "the caller's own"})
    assert upstream.requests[-1].headers[answers.API_KEY_HEADER.lower()] == "the caller's own"

"""API keys: where they are carried, and several that take turns. Template's file: do not edit."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from ...package import answers, auth, part, settings
from ..calls import MODES, Mode, ask
from ..server import Refusal, Upstream
from .account import KEY
from .api_key import SECOND_KEY, sent_key

authenticators: Any = part("auth.authenticator")
PREFIX = answers.ENV_PREFIX


def statuses(mode: Mode, keys: tuple[str, ...], good: set[str], calls: int = 1) -> tuple[list[int], list[str]]:
    """Returns the statuses of some calls, and the keys that went out, at a server that takes some keys."""
    sent: list[str] = []
    place: str = answers.API_KEY_IN

    def answer(request: httpx.Request) -> httpx.Response:
        value = request.headers.get(answers.API_KEY_HEADER, "")
        key = request.url.params.get(answers.API_KEY_QUERY, "") if place == "query" else value.split()[-1]
        sent.append(key)
        return httpx.Response(200 if key in good else 401)

    values = auth.AuthSettings(api_keys=tuple(SecretStr(key) for key in keys))
    authenticator: Any = auth.make_authenticator(values)
    transport = httpx.MockTransport(answer)
    if mode == "sync":
        with httpx.Client(transport=transport) as client:
            found = [client.post("http://a", auth=authenticator.for_call(None)) for _ in range(calls)]
        return [response.status_code for response in found], sent

    async def post() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=transport) as client:
            return [await client.post("http://a", auth=authenticator.for_call(None)) for _ in range(calls)]

    return [response.status_code for response in asyncio.run(post())], sent


@pytest.mark.parametrize("mode", MODES)
def test_where_the_key_is(mode: Mode, upstream: Upstream, model: str) -> None:
    ask(mode, model)
    request = upstream.requests[-1]
    assert sent_key(request) == KEY
    place: str = answers.API_KEY_IN
    if place == "header":
        assert request.headers[answers.API_KEY_HEADER.lower()] == f"{answers.API_KEY_PREFIX} {KEY}".strip()
        assert KEY not in request.path
    else:
        assert KEY not in str(request.headers)


@pytest.mark.parametrize("mode", MODES)
def test_one_key_is_tried_once(mode: Mode) -> None:
    assert statuses(mode, ("one",), set()) == ([401], ["one"])


@pytest.mark.parametrize("mode", MODES)
def test_keys_take_turns(mode: Mode) -> None:
    found, sent = statuses(mode, ("one", "two", "three"), {"three"}, calls=2)
    assert (found, sent) == ([200, 200], ["one", "two", "three", "three"])


@pytest.mark.parametrize("mode", MODES)
def test_every_key_is_refused(mode: Mode) -> None:
    found, sent = statuses(mode, ("one", "two"), set())
    assert (found, sorted(sent)) == ([401], ["one", "two"])


def test_keys_of_the_environment(upstream: Upstream, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}_API_KEYS", " k1 ,, k2,")
    monkeypatch.delenv(f"{PREFIX}_API_KEY")
    loaded = settings.load_settings()
    assert [key.get_secret_value() for key in loaded.api_keys] == ["k1", "k2"]
    assert "k1" not in f"{loaded!r} {loaded.model_dump()}"


def test_key_of_the_call_has_no_turn(upstream: Upstream, model: str) -> None:
    """A caller's key that is refused is not replaced by ours."""
    upstream.will(Refusal(401, "invalid_api_key", "no"))
    with pytest.raises(Exception, match="no"):
        ask("sync", model, api_key="the-caller's")
    assert [sent_key(request) for request in upstream.requests] == ["the-caller's"]
    upstream.will(Refusal(401, "invalid_api_key", "no"))
    ask("sync", model, api_key=KEY)  # as the proxy's YAML passes it
    assert sent_key(upstream.requests[-1]) == SECOND_KEY


def test_state() -> None:
    ready = auth.make_authenticator(auth.AuthSettings(api_key=SecretStr("k"))).status()
    assert (ready.ready, ready.source) == (True, "1 API key")
    empty = auth.make_authenticator(auth.AuthSettings())
    assert not empty.status().ready
    with pytest.raises(authenticators.CredentialError, match=f"set {PREFIX}_API_KEY"):
        empty.login(authenticators.Console(print))

"""What an author's own code is given: a provider of their own, requests beside a call. Template's file."""

from __future__ import annotations

import asyncio
import sys
from types import ModuleType
from typing import Any

import httpx
import litellm
import pytest

from ..package import package, part, registration
from ..upstream import UpstreamFormat
from .calls import MODES, Mode, ask
from .server import Received, Upstream

provider = part("provider")


def test_a_provider_of_the_authors(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = provider.named_provider
    module = ModuleType("own")

    class Own(provider.Provider):  # type: ignore[misc, name-defined]  # it is known at run time only
        pass

    module.object, module.make, module.number = Own(), Own, 7  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "own", module)
    monkeypatch.setitem(sys.modules, f"{package.__name__}.own", module)
    assert chosen("own:object") is module.object
    assert type(chosen(".own:make")) is Own
    for place, words in (
        ("nowhere:make", "there is no module 'nowhere'"),
        ("own:lost", "has no attribute 'lost'"),
        ("own:number", "which is a int: name a Provider"),
    ):
        with pytest.raises(ValueError, match=words):
            chosen(place)


def test_everybody_has_the_same(upstream: Upstream) -> None:
    assert registration.register() is package.provider is provider.provider is provider.chosen_provider()


def request(mode: Mode, method: str, path: str, **options: Any) -> httpx.Response:
    own: Any = registration.register()
    if mode == "sync":
        response: httpx.Response = own.request(method, path, **options)
        return response
    answered: httpx.Response = asyncio.run(own.arequest(method, path, **options))
    return answered


@pytest.mark.parametrize("mode", MODES)
def test_a_request_of_the_authors(mode: Mode, upstream: Upstream) -> None:
    """It has the credential and an id, and fails as calls do."""
    assert request(mode, "GET", "/models", params={"limit": 2}, headers={"X-Team": "blue"}).json() == {}
    sent = upstream.requests[-1]
    assert (sent.method, sent.path, sent.headers["x-team"]) == ("GET", "/v1/models?limit=2", "blue")
    assert sent.headers["x-request-id"]
    upstream.guard = lambda received: False
    with pytest.raises(litellm.AuthenticationError, match="not accepted") as caught:
        request(mode, "GET", "/models")
    assert caught.value.response.request.headers.get("authorization") is None


@pytest.mark.skipif(hasattr(UpstreamFormat, "read_request"), reason="declared: the stand-in does so itself")
def test_a_format_that_reads_the_path(upstream: Upstream, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_request(self: UpstreamFormat, received: Received) -> dict[str, Any]:
        return {**self.read(received.body), "user": f"{received.path} {received.headers['content-type']}"}

    monkeypatch.setattr(UpstreamFormat, "read_request", read_request, raising=False)
    ask("sync", model)
    assert upstream.last["user"].startswith("/v1/")
    assert upstream.last["user"].endswith(" application/json")

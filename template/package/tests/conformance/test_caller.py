"""What a caller may not change behind LiteLLM's back. Template's file: do not edit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import litellm
import pytest

from ..package import answers, part
from ..upstream import UpstreamFormat
from .auth.account import Account
from .calls import HELLO, MODES, Mode, ask, stream
from .proxy import OPEN_BODY, OPEN_HOST, Proxy
from .server import Refusal, Reply, Upstream

caller: Any = part("caller")

PREFIX = answers.PROVIDER


@pytest.fixture
def name(model: str) -> str:
    """The name of the first model in proxy/config.yaml."""
    return model.split("/", 1)[1]


@pytest.fixture
def elsewhere() -> Iterator[Upstream]:
    """A host that a caller names."""
    with Upstream(UpstreamFormat()) as server:
        yield server


def post(proxy: Proxy, body: dict[str, Any], path: str = "chat/completions", **headers: str) -> httpx.Response:
    """Calls the proxy as somebody who writes the request by hand."""
    given = {"authorization": f"Bearer {proxy.key}", **headers}
    body = {"messages": HELLO, **body} if path != "responses" else {"input": "hello", **body}
    return httpx.post(f"{proxy.url}/v1/{path}", json=body, headers=given, timeout=30, trust_env=False)


@pytest.mark.parametrize("mode", MODES)
def test_extra_body_adds(mode: Mode, upstream: Upstream, model: str) -> None:
    ask(mode, model, extra_body={"beta": {"on": True}})
    assert upstream.requests[-1].body["beta"] == {"on": True}


@pytest.mark.parametrize("key", ["model", "Model", "models", "messages", "ſtream", "max_tokens", "tools", "system"])
@pytest.mark.parametrize("make", [ask, stream])
def test_extra_body_overrides_nothing(make: Any, key: str, upstream: Upstream, model: str) -> None:
    with pytest.raises(litellm.BadRequestError, match=f'extra_body must not set "{key}"'):
        make("async", model, extra_body={key: "another"})
    assert upstream.requests == []


@pytest.mark.parametrize("mode", MODES)
def test_extra_body_has_no_key_that_the_transformation_sets(mode: Mode, upstream: Upstream, model: str) -> None:
    ask(mode, model, temperature=0.5, drop_params=True)
    for key in upstream.requests[-1].body:
        with pytest.raises(litellm.BadRequestError, match=f'extra_body must not set "{key}"'):
            ask(mode, model, temperature=0.5, drop_params=True, extra_body={key: "another"})
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("header", ["content-length", "transfer-encoding", "Connection"])
def test_framing_is_the_clients(header: str, upstream: Upstream, model: str) -> None:
    with pytest.raises(litellm.BadRequestError, match="leave it out"):
        ask("sync", model, extra_headers={header: "7"})
    assert upstream.requests == []


@pytest.mark.parametrize(
    ("model", "in_url"),
    [
        ("chat", "chat"),
        ("a/b:1@c", "a%2Fb:1@c"),
        ("a?b=c#d", "a%3Fb%3Dc%23d"),
        ("a%2e%2e%2fb", "a%252e%252e%252fb"),
        ("Ä b", "%C3%84%20b"),
    ],
)
def test_model_in_a_url(model: str, in_url: str) -> None:
    assert caller.Caller({}, model).model_for_url(()) == in_url


def test_known_model_in_a_url_keeps_its_slashes() -> None:
    assert caller.Caller({}, "a/b?").model_for_url({"a/b?"}) == "a/b%3F"


@pytest.mark.parametrize("bad", ["..", "a/../b", "a/..", "./a", "a\\..\\b", "a\nb", "a\0"])
def test_model_that_leads_elsewhere(bad: str, upstream: Upstream) -> None:
    with pytest.raises(litellm.BadRequestError, match="cannot be part of a URL"):
        ask("sync", f"{PREFIX}/{bad}")
    assert upstream.requests == []


@pytest.mark.parametrize("path", ["chat/completions", "messages", "responses"])
def test_client_of_the_proxy_changes_no_model(path: str, proxy: Proxy, name: str, upstream: Upstream) -> None:
    refused = post(proxy, {"model": name, "max_tokens": 5, "extra_body": {"model": "expensive"}}, path)
    assert refused.status_code == 400
    assert "extra_body must not set" in refused.text
    assert upstream.requests == []


def test_deployment_lets_clients_override(proxy: Proxy, name: str, upstream: Upstream) -> None:
    body = {"extra_body": {"models": ["another"]}}
    allowed = post(proxy, {**body, "model": OPEN_BODY})
    assert allowed.status_code == 200, allowed.text
    assert upstream.requests[-1].body["models"] == ["another"]
    assert post(proxy, {**body, "extra_body_overrides": ["models"], "model": name}).status_code == 400
    other = {"extra_body": {"model": "another"}, "extra_body_overrides": ["model"]}
    assert post(proxy, {**other, "model": OPEN_BODY}).status_code == 400
    assert len(upstream.requests) == 1


@pytest.mark.parametrize(
    "header", ["Host", "Authorization", "X_Original_URL", answers.API_KEY_HEADER.replace("-", "_")]
)
@pytest.mark.parametrize("parameter", ["extra_headers", "headers"])
def test_client_of_the_proxy_sets_no_credential_and_no_host(
    parameter: str, header: str, proxy: Proxy, name: str, upstream: Upstream
) -> None:
    answer = post(proxy, {"model": name, parameter: {header: "the client's own"}})
    if parameter == "extra_headers":
        assert answer.status_code == 400
        assert f'the header \\"{header}\\"' in answer.text
    assert "the client's own" not in str([request.headers for request in upstream.requests])


def test_headers_that_the_proxy_forwards(proxy: Proxy, name: str, upstream: Upstream) -> None:
    assert post(proxy, {"model": name}, **{"x-team": "blue"}).status_code == 200
    assert upstream.requests[-1].headers["x-team"] == "blue"
    refused = post(proxy, {"model": name}, **{"x-original-url": "/admin"})
    assert refused.status_code == 400
    assert len(upstream.requests) == 1


def test_host_of_the_client_gets_nothing_of_ours(
    proxy: Proxy, account: Account, name: str, upstream: Upstream, elsewhere: Upstream
) -> None:
    assert post(proxy, {"model": OPEN_HOST}).status_code == 200
    assert upstream.requests[-1].headers["x-of-the-deployment"] == "for our host alone"
    base = f"{elsewhere.url}/v1"
    bodies: list[dict[str, Any]] = [
        {"model": OPEN_HOST, "api_base": base},
        {"model": OPEN_HOST, "api_base": base, "api_key": ""},
        {"model": OPEN_HOST, "api_base": base, "api_key": None},
        {"model": OPEN_HOST, "api_base": f"{base}/"},
        {"model": name, "api_base": base},
        {"model": name, "base_url": base},
    ]
    for body in bodies:
        post(proxy, body)
    assert [one for one in elsewhere.requests if answers.AUTH != ["none"]] == []
    own = post(proxy, {"model": OPEN_HOST, "api_base": base, "api_key": "the-clients-own-key"})
    assert own.status_code == 200, own.text
    for _ in range(5):  # an older LiteLLM now has a deployment with that host
        post(proxy, {"model": OPEN_HOST})
    everything = str([(request.path, request.headers) for request in elsewhere.requests])
    assert not [secret for secret in account.secrets if secret in everything]
    assert "for our host alone" not in everything


def test_provider_is_the_deployments(proxy: Proxy, name: str, upstream: Upstream) -> None:
    refused = post(proxy, {"model": name, "custom_llm_provider": PREFIX})
    assert refused.status_code == 400
    assert upstream.requests == []


@pytest.mark.feature("http")
def test_proxy_hands_on_no_secret(proxy: Proxy, account: Account, name: str, upstream: Upstream) -> None:
    seen: list[str] = []
    for step in (
        Reply(quotes=True),
        Refusal(301, quotes=True),
        Refusal(308, quotes=True),
        Refusal(400, quotes=True),
        Refusal(429, quotes=True),
    ):
        for streamed in (False, True):
            upstream.will(step, step, step)
            answer = post(proxy, {"model": name, "stream": streamed})
            seen.append(f"{answer.status_code} {answer.headers} {answer.text}")
    upstream.will(*[Refusal(401, quotes=True)] * 20)
    health = httpx.get(
        f"{proxy.url}/health", headers={"authorization": f"Bearer {proxy.key}"}, timeout=60, trust_env=False
    )
    assert "unhealthy_endpoints" in health.text
    seen += [health.text, proxy.log.read_text(errors="replace")]
    assert "elsewhere.example" in str(seen)
    assert not [text for text in seen for secret in account.secrets if secret in text]

"""What LiteLLM honours for its own providers, of a call and of a deployment. Template's file: do not edit."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import litellm
import pytest

from ..package import answers, models, transformation, transport
from ..upstream import UpstreamFormat
from .calls import HELLO, MODES, Mode, ask, cause, stream
from .proxy import OWN_CA, UNTRUSTED, Proxy
from .server import Fault, Refusal, Reply, Step, Upstream


@dataclass(frozen=True)
class Row:
    """A parameter, and what comes of it."""

    arguments: dict[str, Any]
    steps: tuple[Step, ...] = ()
    requests: int = 1
    answer: str = "You said: hello"
    headers: tuple[tuple[str, str], ...] = ()
    cost: float | None = None


BUSY = Refusal(503, "overloaded_error")
ROWS = {
    "extra_headers": Row({"extra_headers": {"x-team": "blue"}}, headers=(("x-team", "blue"),)),
    "headers": Row({"headers": {"x-team": "blue"}}, headers=(("x-team", "blue"),)),
    "max_retries": Row({"max_retries": 1}),  # it is for OpenAI's own client; num_retries is LiteLLM's
    "num_retries": Row({"num_retries": 1}, steps=(BUSY,), requests=2),
    "mock_response": Row({"mock_response": "made up"}, requests=0, answer="made up"),
    "drop_params": Row({"drop_params": True, "web_search_options": {"search_context_size": "low"}}),
    "additional_drop_params": Row({"additional_drop_params": ["logit_bias"], "logit_bias": {"50": 5}}),
    "cost": Row(
        {"input_cost_per_token": 1.0, "output_cost_per_token": 2.0},
        steps=(Reply(("You said: hello",), prompt_tokens=3, completion_tokens=5),),
        cost=13.0,
    ),
    "timeout": Row({"timeout": 30}),
    "stream_timeout": Row({"stream_timeout": 30}),
    "ssl_verify": Row({"ssl_verify": False}),
    "model_info": Row({"model_info": {"id": "a-deployment"}}),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
@pytest.mark.parametrize("mode", MODES)
def test_parameter_of_litellm(
    mode: Mode, row: Row, upstream: Upstream, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # LiteLLM keeps the prices of a call for those that follow.
    monkeypatch.setitem(litellm.model_cost, model, dict(litellm.model_cost[model]))
    upstream.will(*row.steps)
    try:
        answer = ask(mode, model, **row.arguments)
    finally:
        models.register_models()  # LiteLLM keeps the prices of a call
    assert answer.choices[0].message.content == row.answer
    assert len(upstream.requests) == row.requests
    for request in upstream.requests:
        assert set(row.headers) <= set(request.headers.items())
        sent = UpstreamFormat().read(request.body)
        known = transformation.ChatConfig().get_supported_openai_params(model.split("/", 1)[1])
        # What steers LiteLLM stays here.
        assert not [name for name in row.arguments if name in {**request.body, **sent} and name not in known]
    if row.cost is not None:
        assert answer._hidden_params["response_cost"] == row.cost


@pytest.mark.parametrize("name", ["api_base", "base_url"])
def test_host_of_a_call(name: str, upstream: Upstream, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{answers.ENV_PREFIX}_API_BASE", "http://127.0.0.1:9/nowhere")
    ask("sync", model, **{name: f"{upstream.url}/v9"})
    assert upstream.requests[-1].path.startswith("/v9/")


@pytest.mark.parametrize(("limit", "streamed"), [("timeout", False), ("timeout", True), ("stream_timeout", True)])
def test_time_limit_of_a_deployment(limit: str, streamed: bool, upstream: Upstream, model: str) -> None:
    params = {"model": model, limit: 0.2}
    router = litellm.Router([{"model_name": "chat", "litellm_params": params}], num_retries=0)
    upstream.will(Reply(), fault=Fault("slow", seconds=5))
    with pytest.raises(litellm.Timeout):
        router.completion(model="chat", messages=HELLO, stream=streamed)


def refused(make: Any, mode: Mode, model: str, **arguments: Any) -> None:
    """Looks whether a call fails for the certificate of the host."""
    with pytest.raises(Exception, match=r"(?i)certificate") as caught:
        make(mode, model, **arguments)
    assert isinstance(cause(caught.value), litellm.APIConnectionError)


@pytest.mark.parametrize("make", [ask, stream])
@pytest.mark.parametrize("mode", MODES)
def test_ssl_verify_of_a_call(
    mode: Mode, make: Any, secure_upstream: Upstream, certificate: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for value in (None, True, "/no/such/file.pem"):
        refused(make, mode, model, api_base=f"{secure_upstream.url}/v1", ssl_verify=value)
    assert secure_upstream.requests == []
    for value in (False, "False", str(certificate)):
        make(mode, model, api_base=f"{secure_upstream.url}/v1", ssl_verify=value)
    assert len(secure_upstream.requests) == 3
    monkeypatch.setattr(litellm, "ssl_verify", False)  # the call's own wins
    refused(make, mode, model, api_base=f"{secure_upstream.url}/v1", ssl_verify=True)


@pytest.mark.parametrize("value", [["a"], {}, 7])
def test_ssl_verify_of_another_kind(value: Any, upstream: Upstream, model: str) -> None:
    with pytest.raises(litellm.BadRequestError, match=r"ssl_verify is .*: give true, false or the path"):
        ask("sync", model, ssl_verify=value)
    assert upstream.requests == []


@pytest.mark.parametrize("mode", MODES)
def test_ssl_verify_of_a_deployment(mode: Mode, secure_upstream: Upstream, model: str) -> None:
    params = {"model": model, "api_base": f"{secure_upstream.url}/v1", "ssl_verify": False}
    messages: list[Any] = HELLO
    router = litellm.Router([{"model_name": "chat", "litellm_params": params}], num_retries=0)
    if mode == "sync":
        router.completion(model="chat", messages=HELLO)
    else:
        asyncio.run(router.acompletion(model="chat", messages=messages))
    assert len(secure_upstream.requests) == 1


def test_clients_for_ssl_verify_are_bounded(
    secure_upstream: Upstream, certificate: Path, tmp_path: Path, model: str
) -> None:
    """A client that is forgotten while it streams ends what it has begun."""
    files = [tmp_path / f"{number}.pem" for number in range(transport.MOST_CLIENTS + 2)]
    for file in files:
        file.write_bytes(certificate.read_bytes())

    def arguments(file: Path) -> dict[str, Any]:
        return {"model": model, "messages": HELLO, "api_base": f"{secure_upstream.url}/v1", "ssl_verify": str(file)}

    async def call() -> None:
        chunks = await litellm.acompletion(**arguments(files[0]), stream=True)
        for file in files[1:]:
            await litellm.acompletion(**arguments(file))
        (entries,) = [found for loop, found in transport._async_handlers.items() if loop is asyncio.get_running_loop()]
        assert len(entries) <= transport.MOST_CLIENTS + 1
        assert str(files[0]) not in entries
        assert "".join([chunk.choices[0].delta.content or "" async for chunk in chunks if chunk.choices]) != ""

    asyncio.run(call())
    assert not [loop for loop in transport._async_handlers if loop.is_closed()]
    chunks = litellm.completion(**arguments(files[0]), stream=True)
    for file in files[1:]:
        litellm.completion(**arguments(file))
    assert len(transport._sync_handlers) <= transport.MOST_CLIENTS
    assert "".join([chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]) != ""


@pytest.mark.parametrize("given", [{}, {"ssl_verify": False}, {"ssl_verify": None}, {"ssl_verify": "False"}], ids=str)
def test_client_of_a_proxy_has_no_say_in_ssl_verify(
    given: dict[str, Any], proxy: Proxy, secure_upstream: Upstream
) -> None:
    """The connection carries the deployment's credential: only the deployment's own `ssl_verify` counts."""
    header = {"authorization": f"Bearer {proxy.key}"}
    for deployment in (OWN_CA, UNTRUSTED):
        body = {"model": deployment, "messages": HELLO, **given}
        answer = httpx.post(f"{proxy.url}/v1/chat/completions", json=body, headers=header, timeout=30, trust_env=False)
        if deployment == OWN_CA:
            assert answer.status_code == 200, answer.text
        else:
            assert answer.status_code >= 500
            assert "certificate" in answer.text.lower()
    assert len(secure_upstream.requests) == 1

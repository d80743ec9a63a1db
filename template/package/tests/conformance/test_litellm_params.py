"""What LiteLLM honours for its own providers, of a call and of a deployment. Template's file: do not edit."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import litellm
import pytest
from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler, HTTPHandler
from openai import OpenAIError

from ..package import answers, models, transformation, transport
from ..upstream import UpstreamFormat
from .calls import HELLO, MODES, Mode, ask, cause, stream, text_of
from .proxy import OWN_CA, UNTRUSTED, Proxy
from .server import Fault, Refusal, Reply, Step, Upstream
from .test_litellm_gaps import LITELLM


class OpenAIFormat:
    """As much of OpenAI's format as one of LiteLLM's own providers needs; tests/upstream.py may have another."""

    def read(self, body: Any) -> dict[str, Any]:
        """See `Format.read`."""
        return dict(body)

    def answer(self, reply: Reply, model: str) -> dict[str, Any]:
        """See `Format.answer`."""
        message = {"role": "assistant", "content": "".join(reply.text)}
        usage = {"prompt_tokens": reply.prompt_tokens, "completion_tokens": reply.completion_tokens}
        return {"id": reply.id, "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}

    def events(self, reply: Reply, model: str) -> Iterator[str]:
        """See `Format.events`."""
        pieces = [
            *(("reasoning_content", piece) for piece in reply.reasoning),
            *(("content", piece) for piece in reply.text),
        ]
        for name, piece in pieces:
            yield json.dumps({"id": reply.id, "choices": [{"index": 0, "delta": {name: piece}, "finish_reason": None}]})
        yield json.dumps({"id": reply.id, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        yield "[DONE]"

    def refusal(self, refusal: Refusal) -> dict[str, Any]:
        """See `Format.refusal`."""
        return {"error": {"message": refusal.message, "type": refusal.code, "code": refusal.code}}

    def error_event(self, refusal: Refusal) -> str:
        """See `Format.error_event`."""
        return json.dumps(self.refusal(refusal))


@pytest.fixture(scope="module")
def running_openai_upstream() -> Iterator[Upstream]:
    """A server that speaks OpenAI's format, whatever the provider's API speaks."""
    with Upstream(OpenAIFormat()) as server:
        yield server


@pytest.fixture
def openai_upstream(running_openai_upstream: Upstream) -> Upstream:
    """The same, with nothing remembered."""
    running_openai_upstream.reset()
    return running_openai_upstream


@dataclass(frozen=True)
class Row:
    """A parameter, and what comes of it: here, and with a provider of LiteLLM's own unless `theirs` says otherwise."""

    arguments: dict[str, Any]
    steps: tuple[Step, ...] = ()
    streamed: bool = False
    requests: int = 1
    answer: str = "You said: hello"
    """The text, or the name of the exception."""
    theirs: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: dict[str, Any] = field(default_factory=dict)
    lacks: str = "nothing"
    """What is not in the body."""
    roles: tuple[str, ...] = ("user",)
    cost: float | None = None
    modes: tuple[Mode, ...] = MODES
    needs: str | None = None
    """What the upstream must be able to do."""


@dataclass(frozen=True)
class Outcome:
    """What came of a call."""

    answer: str
    requests: int
    cost: float | None


CLIENT = "a client with the header x-own"
MODEL = "the model of the call"
BUSY = Refusal(503, "overloaded_error")
COUNTED = Reply(("You said: hello",), prompt_tokens=3, completion_tokens=5)
TOO_LONG = Refusal(400, "context_length_exceeded", "This model's maximum context length is 4097 tokens.")
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
MARKED = {"type": "function", "function": {"name": "weather", "description": "left-out", "parameters": CITY}}
ROWS = {
    "additional_drop_params": Row({"additional_drop_params": ["logit_bias"], "logit_bias": {"50": 5}}),
    "additional_drop_params, a part": Row(
        {"additional_drop_params": ["tools[*].function.description"], "tools": [MARKED]},
        steps=(COUNTED,),
        lacks="left-out",
        needs="tools",
    ),
    "allowed_openai_params": Row({"allowed_openai_params": ["user"]}),
    "api_version": Row({"api_version": "2026-01-01"}),
    "client": Row({"client": CLIENT}, headers=(("x-own", "yes"),), needs="http"),
    "context_window_fallback_dict": Row(
        {"context_window_fallback_dict": {MODEL: MODEL}}, steps=(TOO_LONG,), requests=2
    ),
    "cost": Row({"input_cost_per_token": 1.0, "output_cost_per_token": 2.0}, steps=(COUNTED,), cost=13.0),
    "drop_params": Row({"drop_params": True, "web_search_options": {"search_context_size": "low"}}),
    "enable_json_schema_validation": Row(
        {
            "enable_json_schema_validation": True,
            "response_format": {"type": "json_schema", "json_schema": {"name": "city", "schema": CITY}},
        },
        steps=(Reply(('{"city": 7}',)),),
        answer="JSONSchemaValidationError",
        needs="json_schema",
    ),
    "ensure_alternating_roles": Row(
        {
            "ensure_alternating_roles": True,
            "messages": [{"role": "assistant", "content": "hello"}],
            "user_continue_message": {"role": "user", "content": "go on"},
        },
        answer="You said: go on",
        roles=("user", "assistant", "user"),
    ),
    "extra_body": Row({"extra_body": {"x_team": "blue"}}, body={"x_team": "blue"}),
    "extra_headers": Row({"extra_headers": {"x-team": "blue"}}, headers=(("x-team", "blue"),)),
    "extra_headers, none and a number": Row(
        {"extra_headers": {"x-team": None, "x-level": 5}}, headers=(("x-level", "5"),), theirs="InternalServerError"
    ),
    "extra_headers and headers": Row(
        {"extra_headers": {"x-team": "blue"}, "headers": {"x-team": "red", "x-level": "5"}},
        headers=(("x-team", "blue"), ("x-level", "5")),
    ),
    "fallbacks": Row({"fallbacks": [MODEL]}, steps=(Refusal(401, "invalid_api_key"),), requests=2),
    "headers": Row({"headers": {"x-team": "blue"}}, headers=(("x-team", "blue"),)),
    "keys of its books": Row(
        {
            "litellm_session_id": "session-1",
            "litellm_trace_id": "trace-1",
            "metadata": {"user_id": "somebody", "tags": ["blue"]},
            "model_info": {"id": "a-deployment"},
            "no-log": True,
            "tags": ["blue"],
        }
    ),
    # It is for OpenAI's own client; num_retries is LiteLLM's.
    "max_retries": Row({"max_retries": 1}, steps=(BUSY,), answer="ServiceUnavailableError"),
    "merge_reasoning_content_in_choices": Row(
        {"merge_reasoning_content_in_choices": True},
        steps=(Reply(("You", " said"), reasoning=("Let me", " think")),),
        streamed=True,
        answer="<think>Let me think</think>You said",
        needs="reasoning",
    ),
    "mock_response": Row({"mock_response": "made up"}, requests=0, answer="made up"),
    "mock_response, of a stream": Row({"mock_response": "made up"}, streamed=True, requests=0, answer="made up"),
    "mock_timeout": Row({"mock_timeout": True, "timeout": 0.01}, requests=0, answer="Timeout"),
    "num_retries": Row({"num_retries": 1}, steps=(BUSY,), requests=2),
    # test_litellm_gaps.py has the async one.
    "num_retries, of a stream": Row({"num_retries": 1}, steps=(BUSY,), streamed=True, requests=2, modes=("sync",)),
    "organization": Row({"organization": "org-1"}),  # OpenAI's, too
    "request_timeout": Row({"request_timeout": 30}),
    "ssl_verify": Row({"ssl_verify": False}),
    "stream_timeout": Row({"stream_timeout": 30}, streamed=True),
    "supports_system_message": Row(
        {"supports_system_message": False, "messages": [{"role": "system", "content": "Be brief."}, *HELLO]},
        answer="You said: Be brief. hello",
    ),
    "timeout": Row({"timeout": 30}),
    "timeout as text": Row({"timeout": "30"}),
    "timeout of httpx": Row({"timeout": httpx.Timeout(30)}),
}


def rows(*modes: Mode) -> list[Any]:
    """Returns rows with their modes as parameters of a test."""
    return [
        pytest.param(mode, row, id=f"{mode}-{name}", marks=[pytest.mark.feature(row.needs)] if row.needs else [])
        for name, row in ROWS.items()
        for mode in modes
        if mode in row.modes
    ]


def outcome(mode: Mode, model: str, row: Row, upstream: Upstream, **more: Any) -> Outcome:
    """Makes the call of a row, and returns what came of it; the headers and bodies that arrived are looked at."""
    arguments: dict[str, Any] = {**row.arguments, **more}
    if "client" in arguments:
        arguments["client"] = (HTTPHandler if mode == "sync" else AsyncHTTPHandler)()
        arguments["client"].client.headers["x-own"] = "yes"
    if "fallbacks" in arguments:
        arguments["fallbacks"] = [model]
    if "context_window_fallback_dict" in arguments:
        arguments["context_window_fallback_dict"] = {model: model}
    upstream.will(*row.steps)
    cost = None
    try:
        if row.streamed:
            answer = text_of(stream(mode, model, **arguments))
        else:
            response = ask(mode, model, **arguments)
            answer = response.choices[0].message.content
            cost = response._hidden_params["response_cost"] if row.cost is not None else None
    except (litellm.JSONSchemaValidationError, OpenAIError) as error:
        answer = type(cause(error)).__name__
    for request in upstream.requests:
        assert set(row.headers) <= set(request.headers.items())
        assert row.body.items() <= request.body.items()
        assert row.lacks not in json.dumps(request.body)
    if upstream.requests:
        assert tuple(message["role"] for message in upstream.last["messages"]) == row.roles
    return Outcome(answer, len(upstream.requests), cost)


@pytest.mark.parametrize(("mode", "row"), rows(*MODES))
def test_parameter_of_litellm(
    mode: Mode, row: Row, upstream: Upstream, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # LiteLLM keeps the prices of a call for those that follow.
    monkeypatch.setitem(litellm.model_cost, model, dict(litellm.model_cost[model]))
    try:
        assert outcome(mode, model, row, upstream) == Outcome(row.answer, row.requests, row.cost)
    finally:
        models.register_models()  # LiteLLM keeps the prices of a call
    known = transformation.ChatConfig().get_supported_openai_params(model.split("/", 1)[1])
    for request in upstream.requests:
        sent = UpstreamFormat().read(request.body)
        # What steers LiteLLM stays here.
        named = [name for name in row.arguments if name in {**request.body, **sent} and name not in known]
        assert named in ([], ["messages"])


@pytest.mark.xfail(LITELLM > (1, 108), reason="litellm: its own providers may do otherwise by now", strict=False)
@pytest.mark.parametrize(("mode", "row"), rows("sync"))
def test_parameter_of_litellm_with_a_provider_of_its_own(
    mode: Mode, row: Row, openai_upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the table is made after: the same call to an OpenAI-compatible server."""
    monkeypatch.setattr(litellm, "model_cost", dict(litellm.model_cost))
    made = outcome(
        mode, "hosted_vllm/chat", row, openai_upstream, api_base=f"{openai_upstream.url}/v1", api_key="sk-test"
    )
    if row.theirs is None:
        assert made == Outcome(row.answer, row.requests, row.cost)
    else:
        assert made.answer == row.theirs


@pytest.mark.parametrize("mode", MODES)
def test_logger_fn(mode: Mode, upstream: Upstream, model: str) -> None:
    seen: list[str] = []
    ask(mode, model, logger_fn=lambda details: seen.append(details["log_event_type"]))
    assert seen[:2] == ["pre_api_call", "post_api_call"]


@pytest.mark.parametrize("name", ["api_base", "base_url"])
def test_host_of_a_call(name: str, upstream: Upstream, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{answers.ENV_PREFIX}_API_BASE", "http://127.0.0.1:9/nowhere")
    ask("sync", model, **{name: f"{upstream.url}/v9"})
    assert upstream.requests[-1].path.startswith("/v9/")


@pytest.mark.parametrize("value", [0.2, "0.2", httpx.Timeout(0.2)], ids=str)
def test_time_limit_of_a_call(value: Any, upstream: Upstream, model: str) -> None:
    upstream.will(Reply(), fault=Fault("slow", seconds=5))
    with pytest.raises(litellm.Timeout):
        ask("sync", model, timeout=value)


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


@pytest.mark.feature("http")
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


@pytest.mark.feature("http")
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


@pytest.mark.feature("http")
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


@pytest.mark.feature("http")
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

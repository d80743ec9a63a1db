"""Answers, streamed and not. Template's file: do not edit."""

from __future__ import annotations

import json
from typing import Any

import litellm
import pytest
from pydantic import BaseModel

from ..package import answers, registration, transformation
from .calls import MODES, WEATHER, Mode, ask, joined, stream, text_of
from .server import Fault, Reply, ToolCall, Upstream

CALL = ToolCall("call_a", "weather", ('{"ci', 'ty": "Par', 'is"}'))
OTHER_CALL = ToolCall("call_b", "weather", ('{"ci', 'ty": "Ro', 'me"}'))


class City(BaseModel):
    name: str
    people: int


@pytest.mark.parametrize("mode", MODES)
def test_answer(mode: Mode, upstream: Upstream, model: str) -> None:
    upstream.will(Reply(text=("Good ", "day ", "☀️")))
    answer = ask(mode, model)
    assert answer.choices[0].message.content == "Good day ☀️"
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.model
    usage = answer.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (11, 7, 18)
    assert upstream.last["messages"][-1]["content"] == "hello"
    assert upstream.last["model"] == model.split("/", 1)[1]


@pytest.mark.parametrize("mode", MODES)
def test_stream(mode: Mode, upstream: Upstream, model: str) -> None:
    upstream.will(Reply(text=("Good ", "day ", "☀️")))
    chunks = stream(mode, model)
    assert text_of(chunks) == "Good day ☀️"
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks][-1] == "stop"
    assert len({chunk.id for chunk in chunks}) == 1
    assert len({chunk.model for chunk in chunks}) == 1
    assert len([chunk for chunk in chunks if chunk.choices[0].delta.content]) == 3
    assert upstream.last["stream"] is True


@pytest.mark.parametrize("mode", MODES)
def test_usage_of_a_stream_is_the_upstreams(mode: Mode, upstream: Upstream, model: str) -> None:
    upstream.will(Reply(prompt_tokens=1234, completion_tokens=567))
    chunks = stream(mode, model, stream_options={"include_usage": True})
    usage = chunks[-1].usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (1234, 567, 1801)
    whole = joined(chunks)
    assert (whole.usage.prompt_tokens, whole.usage.completion_tokens) == (1234, 567)


@pytest.mark.parametrize("mode", MODES)
def test_usage_is_hidden_from_who_did_not_ask(mode: Mode, upstream: Upstream, model: str) -> None:
    assert not any(getattr(chunk, "usage", None) for chunk in stream(mode, model))


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_cost_is_usage_times_price(
    mode: Mode, streamed: bool, upstream: Upstream, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs: list[float] = []

    def record(kwargs: dict[str, Any], answer: Any, start: Any, end: Any) -> None:
        costs.append(kwargs["response_cost"])

    monkeypatch.setitem(litellm.model_cost[model], "input_cost_per_token", 0.5)
    monkeypatch.setitem(litellm.model_cost[model], "output_cost_per_token", 0.25)
    litellm.utils._invalidate_model_cost_lowercase_map()
    reply = Reply(prompt_tokens=100, completion_tokens=8)
    upstream.will(reply)
    try:
        if streamed:
            whole = joined(stream(mode, model, stream_options={"include_usage": True}))
            assert litellm.completion_cost(whole, model=model) == pytest.approx(52.0)
        else:
            answer = ask(mode, model)
            assert litellm.completion_cost(answer) == pytest.approx(52.0)
            assert answer._hidden_params["response_cost"] == pytest.approx(52.0)
    finally:
        monkeypatch.undo()
        litellm.utils._invalidate_model_cost_lowercase_map()


@pytest.mark.feature("reasoning")
@pytest.mark.parametrize("mode", MODES)
def test_reasoning(mode: Mode, upstream: Upstream, model: str) -> None:
    reply = Reply(reasoning=("First ", "this."), text=("So", " that."))
    upstream.will(reply, reply)
    message = ask(mode, model).choices[0].message
    assert (message.reasoning_content, message.content) == ("First this.", "So that.")
    whole = joined(stream(mode, model)).choices[0].message
    assert (whole.reasoning_content, whole.content) == ("First this.", "So that.")


@pytest.mark.feature("tools")
@pytest.mark.parametrize("mode", MODES)
def test_tool_call(mode: Mode, upstream: Upstream, model: str) -> None:
    reply = Reply(text=(), tool_calls=(CALL,))
    upstream.will(reply, reply)
    for answer in (ask(mode, model, tools=[WEATHER]), joined(stream(mode, model, tools=[WEATHER]))):
        choice = answer.choices[0]
        assert choice.finish_reason == "tool_calls"
        (call,) = choice.message.tool_calls
        assert (call.id, call.type, call.function.name) == ("call_a", "function", "weather")
        assert json.loads(call.function.arguments) == {"city": "Paris"}


@pytest.mark.feature("parallel_tools")
@pytest.mark.parametrize("interleaved", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_parallel_tool_calls(mode: Mode, interleaved: bool, upstream: Upstream, model: str) -> None:
    reply = Reply(text=("Both.",), tool_calls=(CALL, OTHER_CALL), interleaved=interleaved)
    upstream.will(reply)
    chunks = stream(mode, model, tools=[WEATHER])
    deltas = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or []]
    # One call after the other: clients of /v1/messages cannot tell interleaved ones apart.
    assert [call.index for call in deltas] == sorted(call.index for call in deltas)
    calls = joined(chunks).choices[0].message.tool_calls
    assert [(call.id, json.loads(call.function.arguments)["city"]) for call in calls] == [
        ("call_a", "Paris"),
        ("call_b", "Rome"),
    ]
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


@pytest.mark.feature("tools")
@pytest.mark.parametrize("mode", MODES)
def test_stop_after_a_tool_call_is_tool_calls(mode: Mode, upstream: Upstream, model: str) -> None:
    reply = Reply(text=(), tool_calls=(CALL,), finish_reason="stop")
    upstream.will(reply, reply)
    assert ask(mode, model, tools=[WEATHER]).choices[0].finish_reason == "tool_calls"
    assert stream(mode, model, tools=[WEATHER])[-1].choices[0].finish_reason == "tool_calls"


@pytest.mark.feature("tools")
@pytest.mark.parametrize("mode", MODES)
def test_tool_result_goes_back(mode: Mode, upstream: Upstream, model: str) -> None:
    function = {"name": "weather", "arguments": '{"city": "Paris"}'}
    history = [
        {"role": "user", "content": "How is it in Paris?"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "type": "function", "function": function}]},
        {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
    ]
    answer = ask(mode, model, messages=history, tools=[WEATHER])
    assert answer.choices[0].message.content == "You said: sunny"
    sent = upstream.last["messages"]
    assert json.loads(sent[1]["tool_calls"][0]["function"]["arguments"]) == {"city": "Paris"}
    assert (sent[2]["role"], sent[2]["tool_call_id"], sent[2]["content"]) == ("tool", "c1", "sunny")


@pytest.mark.feature("finish_reasons")
@pytest.mark.parametrize("reason", ["length", "content_filter"])
@pytest.mark.parametrize("mode", MODES)
def test_finish_reason(mode: Mode, reason: str, upstream: Upstream, model: str) -> None:
    upstream.will(Reply(finish_reason=reason), Reply(finish_reason=reason))
    assert ask(mode, model).choices[0].finish_reason == reason
    assert stream(mode, model)[-1].choices[0].finish_reason == reason


@pytest.mark.feature("images")
@pytest.mark.parametrize("mode", MODES)
def test_image_in_a_message(mode: Mode, upstream: Upstream, model: str) -> None:
    picture = "data:image/png;base64,iVBORw0KGgo="
    parts = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": picture}}]
    ask(mode, model, messages=[{"role": "user", "content": parts}])
    sent = upstream.last["messages"][-1]["content"]
    assert sent[0]["text"] == "What is it?"
    assert sent[1]["image_url"]["url"] == picture


@pytest.mark.feature("system_messages")
@pytest.mark.parametrize("mode", MODES)
def test_system_message(mode: Mode, upstream: Upstream, model: str) -> None:
    ask(mode, model, messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hello"}])
    sent = upstream.last["messages"]
    assert (sent[0]["role"], sent[0]["content"]) == ("system", "Be brief.")


@pytest.mark.feature("json_schema")
@pytest.mark.parametrize("mode", MODES)
def test_answer_in_a_json_schema(mode: Mode, upstream: Upstream, model: str) -> None:
    answer = ask(mode, model, response_format=City)
    assert City.model_validate_json(answer.choices[0].message.content)
    schema = upstream.last["response_format"]["json_schema"]["schema"]
    assert set(schema["properties"]) == {"name", "people"}


@pytest.mark.parametrize("mode", MODES)
def test_upstream_that_streams_nothing_though_asked(mode: Mode, upstream: Upstream, model: str) -> None:
    """A whole JSON answer to a streamed call is passed on as a stream."""
    from ..upstream import UpstreamFormat
    from .server import Raw

    body = UpstreamFormat().answer(Reply(text=("All at once",), completion_tokens=3), "m")
    upstream.will(Raw(body=json.dumps(body).encode()))
    chunks = stream(mode, model, stream_options={"include_usage": True})
    assert text_of(chunks) == "All at once"
    assert chunks[-1].usage.completion_tokens == 3


@pytest.mark.feature("server_sent_events")
@pytest.mark.parametrize("kind", ["crlf", "multiline", "bytes"])
@pytest.mark.parametrize("mode", MODES)
def test_every_legal_form_of_events(mode: Mode, kind: str, upstream: Upstream, model: str) -> None:
    upstream.will(Reply(text=("Grüße ", "从 \u2028", "😀")), fault=Fault(kind))
    assert text_of(stream(mode, model)) == "Grüße 从 \u2028😀"


@pytest.mark.parametrize("mode", MODES)
def test_a_transformation_knows_whether_it_streams(
    mode: Mode, upstream: Upstream, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []

    class Config(transformation.ChatConfig):
        def transform_request(
            self, model: str, messages: Any, optional_params: Any, litellm_params: Any, headers: Any
        ) -> Any:
            told.append(litellm_params["stream"])
            return super().transform_request(model, messages, optional_params, litellm_params, headers)

    config = Config()
    monkeypatch.setattr(registration.register().drivers["chat"], "config", config)
    ask(mode, model)
    stream(mode, model)
    assert told == [getattr(config, "only_streams", False), True]


def test_answers_name(model: str) -> None:
    assert model.startswith(f"{answers.PROVIDER}/")

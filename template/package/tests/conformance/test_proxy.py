"""Through a real LiteLLM proxy, with the clients that people use. Template's file: do not edit."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import openai
import pytest

from ..package import answers, models
from .calls import WEATHER
from .conftest import KEY
from .features import declared
from .proxy import Proxy
from .server import Fault, Refusal, Reply, ToolCall, Upstream

HELLO: list[Any] = [{"role": "user", "content": "hello"}]
TOOLS: list[Any] = [WEATHER]
CALLS = (
    ToolCall("call_a", "weather", ('{"ci', 'ty": "Par', 'is"}')),
    ToolCall("call_b", "weather", ('{"ci', 'ty": "Ro', 'me"}')),
)
TWO_CALLS = Reply(text=("Both.",), tool_calls=CALLS, interleaved=True, prompt_tokens=21, completion_tokens=9)
WEATHER_OF_ANTHROPIC: Any = {
    "name": "weather",
    "description": "The weather of a city",
    "input_schema": WEATHER["function"]["parameters"],  # type: ignore[index]  # a dict of dicts
}
WEATHER_OF_RESPONSES: Any = {"type": "function", **WEATHER["function"]}  # type: ignore[dict-item]  # the same


@pytest.fixture
def name(model: str) -> str:
    """The name of the first model in proxy/config.yaml."""
    return model.split("/", 1)[1]


@pytest.fixture
def client(proxy: Proxy) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{proxy.url}/v1", api_key=proxy.key, max_retries=0, timeout=30)


@pytest.fixture
def claude(proxy: Proxy) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=proxy.url, api_key=proxy.key, max_retries=0, timeout=30)


def test_chat(client: openai.OpenAI, name: str, upstream: Upstream) -> None:
    upstream.will(Reply(text=("Good day",), prompt_tokens=21, completion_tokens=9))
    response = client.chat.completions.with_raw_response.create(
        model=name, messages=HELLO, extra_headers={"X-Request-ID": "from-the-client"}
    )
    answer = response.parse()
    assert answer.choices[0].message.content == "Good day"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (21, 9)
    assert upstream.requests[-1].headers["x-request-id"] == "from-the-client"
    assert response.headers["llm_provider-x-request-id"] == "from-the-client"
    if models.load_models()[name].get("input_cost_per_token"):
        assert float(response.headers["x-litellm-response-cost"]) > 0


def test_chat_by_full_name(client: openai.OpenAI, upstream: Upstream) -> None:
    """The wildcard entry serves models that no one listed."""
    client.chat.completions.create(model=f"{answers.PROVIDER}/unlisted/model:1", messages=HELLO)
    assert upstream.last["model"] == "unlisted/model:1"


def test_stream(client: openai.OpenAI, name: str, upstream: Upstream) -> None:
    upstream.will(Reply(text=("Good ", "day"), prompt_tokens=21, completion_tokens=9))
    options: Any = {"include_usage": True}
    chunks = list(client.chat.completions.create(model=name, messages=HELLO, stream=True, stream_options=options))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "Good day"
    usage = chunks[-1].usage
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens) == (21, 9)


@pytest.mark.feature("reasoning_effort")
@pytest.mark.feature("reasoning")
def test_reasoning_effort_arrives(client: openai.OpenAI, name: str, upstream: Upstream) -> None:
    upstream.will(Reply(reasoning=("Hm.",), text=("Yes.",)))
    answer = client.chat.completions.create(model=name, messages=HELLO, reasoning_effort="low")
    assert upstream.last["reasoning_effort"] == "low"
    assert answer.choices[0].message.model_dump()["reasoning_content"] == "Hm."


@pytest.mark.feature("parallel_tools")
def test_tools(client: openai.OpenAI, name: str, upstream: Upstream) -> None:
    upstream.will(TWO_CALLS)
    answer = client.chat.completions.create(model=name, messages=HELLO, tools=TOOLS)
    calls: Any = answer.choices[0].message.tool_calls
    assert [json.loads(call.function.arguments)["city"] for call in calls] == ["Paris", "Rome"]
    assert answer.choices[0].finish_reason == "tool_calls"


@pytest.mark.feature("parallel_tools")
def test_streamed_tools(client: openai.OpenAI, name: str, upstream: Upstream) -> None:
    upstream.will(TWO_CALLS)
    arguments = {0: "", 1: ""}
    finish = None
    for chunk in client.chat.completions.create(model=name, messages=HELLO, tools=TOOLS, stream=True):
        for choice in chunk.choices:
            finish = choice.finish_reason or finish
            for call in choice.delta.tool_calls or []:
                arguments[call.index] += (call.function and call.function.arguments) or ""
    assert [json.loads(arguments[index])["city"] for index in (0, 1)] == ["Paris", "Rome"]
    assert finish == "tool_calls"


@pytest.mark.parametrize(
    ("refusal", "kind", "status"),
    [
        (Refusal(400, "context_length_exceeded"), openai.BadRequestError, 400),
        (Refusal(403, "permission_error"), openai.PermissionDeniedError, 403),
        (Refusal(404, "model_not_found"), openai.NotFoundError, 404),
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_error(
    streamed: bool,
    refusal: Refusal,
    kind: type[openai.APIStatusError],
    status: int,
    client: openai.OpenAI,
    name: str,
    upstream: Upstream,
) -> None:
    upstream.will(refusal)
    with pytest.raises(kind) as caught:
        client.chat.completions.create(
            model=name, messages=HELLO, stream=streamed, extra_headers={"X-Request-ID": "id-3"}
        )
    assert caught.value.status_code == status
    assert "the upstream says no" in str(caught.value)
    assert "id-3" in str(caught.value)


@pytest.mark.feature("retry_after")
def test_rate_limit_says_when_to_come_back(proxy: Proxy, client: openai.OpenAI, upstream: Upstream) -> None:
    refusal = Refusal(429, "rate_limit_exceeded", headers={"retry-after": "1"})
    upstream.will(refusal)
    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model=f"{answers.PROVIDER}/rate-limited", messages=HELLO)
    headers = caught.value.response.headers
    assert "1" in (headers.get("llm_provider-retry-after"), headers.get("retry-after"))


def test_failure_in_mid_stream_is_reported(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.will(Reply(text=("a", "b", "c", "d")), fault=Fault("reset", after=4))
    with pytest.raises(openai.APIError):
        list(client.chat.completions.create(model=f"{answers.PROVIDER}/broken", messages=HELLO, stream=True))


def test_a_client_that_hangs_up_hangs_up_upstream(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.will(Reply(text=("a",) * 50), fault=Fault("stall", after=10, seconds=30))
    chunks = client.chat.completions.create(model=f"{answers.PROVIDER}/left", messages=HELLO, stream=True)
    next(iter(chunks))
    chunks.close()
    assert upstream.requests[-1].hung_up.wait(10)


def test_no_key_in_the_proxys_log(proxy: Proxy, client: openai.OpenAI, name: str) -> None:
    client.chat.completions.create(model=name, messages=HELLO)
    assert KEY not in proxy.log.read_text(errors="replace")


def test_messages(claude: anthropic.Anthropic, name: str, upstream: Upstream) -> None:
    upstream.will(Reply(text=("Good day",), prompt_tokens=21, completion_tokens=9))
    answer: Any = claude.messages.create(model=name, max_tokens=50, system="Be brief.", messages=HELLO)
    assert answer.content[0].text == "Good day"
    assert answer.stop_reason == "end_turn"
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (21, 9)
    if "max_tokens" not in declared():
        assert upstream.last.get("max_tokens", upstream.last.get("max_completion_tokens")) == 50


def test_streamed_messages(claude: anthropic.Anthropic, name: str, upstream: Upstream) -> None:
    upstream.will(Reply(text=("Good ", "day"), prompt_tokens=21, completion_tokens=9))
    with claude.messages.stream(model=name, max_tokens=50, messages=HELLO) as stream:
        answer: Any = stream.get_final_message()
    assert answer.content[0].text == "Good day"
    assert answer.stop_reason == "end_turn"
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (21, 9)


@pytest.mark.feature("parallel_tools")
@pytest.mark.parametrize("streamed", [False, True])
def test_tools_of_messages(streamed: bool, claude: anthropic.Anthropic, name: str, upstream: Upstream) -> None:
    upstream.will(TWO_CALLS)
    arguments: Any = {"model": name, "max_tokens": 50, "messages": HELLO, "tools": [WEATHER_OF_ANTHROPIC]}
    if streamed:
        with claude.messages.stream(**arguments) as stream:
            answer: Any = stream.get_final_message()
    else:
        answer = claude.messages.create(**arguments)
    text, first, second = answer.content
    assert text.text == "Both."
    assert (first.name, first.input) == ("weather", {"city": "Paris"})
    assert (second.name, second.input) == ("weather", {"city": "Rome"})
    assert answer.stop_reason == "tool_use"
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (21, 9)


def test_responses(client: openai.OpenAI, name: str, upstream: Upstream) -> None:
    upstream.will(Reply(text=("Good day",), prompt_tokens=21, completion_tokens=9))
    answer = client.responses.create(model=name, input="hello")
    assert answer.output_text == "Good day"
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (21, 9)


def test_streamed_responses(client: openai.OpenAI, name: str, upstream: Upstream) -> None:
    upstream.will(Reply(text=("Good ", "day"), prompt_tokens=21, completion_tokens=9))
    events: list[Any] = list(client.responses.create(model=name, input="hello", stream=True))
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text == "Good day"
    assert events[-1].type == "response.completed"
    usage = events[-1].response.usage
    assert (usage.input_tokens, usage.output_tokens) == (21, 9)


@pytest.mark.feature("parallel_tools")
@pytest.mark.parametrize("streamed", [False, True])
def test_tools_of_responses(streamed: bool, client: openai.OpenAI, name: str, upstream: Upstream) -> None:
    upstream.will(TWO_CALLS)
    tools = [WEATHER_OF_RESPONSES]
    if streamed:
        events: list[Any] = list(client.responses.create(model=name, input="hello", tools=tools, stream=True))
        answer: Any = events[-1].response
    else:
        answer = client.responses.create(model=name, input="hello", tools=tools)
    calls = [item for item in answer.output if item.type == "function_call"]
    assert [json.loads(call.arguments)["city"] for call in calls] == ["Paris", "Rome"]
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (21, 9)


@pytest.mark.feature("reasoning_effort")
@pytest.mark.feature("reasoning")
@pytest.mark.parametrize("streamed", [False, True])
def test_reasoning_of_messages(streamed: bool, claude: anthropic.Anthropic, name: str, upstream: Upstream) -> None:
    upstream.will(Reply(reasoning=("Hm. ", "So."), text=("Yes.",)))
    arguments: Any = {"model": name, "max_tokens": 2000, "messages": HELLO}
    arguments["thinking"] = {"type": "enabled", "budget_tokens": 1024}
    if streamed:
        with claude.messages.stream(**arguments) as stream:
            answer: Any = stream.get_final_message()
    else:
        answer = claude.messages.create(**arguments)
    thinking, text = answer.content
    assert (thinking.thinking, text.text) == ("Hm. So.", "Yes.")
    # LiteLLM puts it into OpenAI's words unless a model is named after Claude; then it is the upstream's own to take.
    asked = upstream.last.get("reasoning_effort") or upstream.last["thinking"]
    assert asked in ("low", arguments["thinking"])


@pytest.mark.feature("reasoning_effort")
@pytest.mark.feature("reasoning")
@pytest.mark.parametrize("streamed", [False, True])
def test_reasoning_of_responses(streamed: bool, client: openai.OpenAI, name: str, upstream: Upstream) -> None:
    upstream.will(Reply(reasoning=("Hm. ", "So."), text=("Yes.",)))
    if streamed:
        events: list[Any] = list(
            client.responses.create(model=name, input="hello", reasoning={"effort": "low"}, stream=True)
        )
        answer: Any = events[-1].response
    else:
        answer = client.responses.create(model=name, input="hello", reasoning={"effort": "low"})
    assert [item.type for item in answer.output] == ["reasoning", "message"]
    assert answer.output_text == "Yes."
    assert upstream.last["reasoning_effort"] == "low"


@pytest.mark.feature("images")
def test_images_of_messages_and_responses(
    claude: anthropic.Anthropic, client: openai.OpenAI, name: str, upstream: Upstream
) -> None:
    data = "iVBORw0KGgo="
    source = {"type": "base64", "media_type": "image/png", "data": data}
    parts: Any = [{"type": "text", "text": "What?"}, {"type": "image", "source": source}]
    claude.messages.create(model=name, max_tokens=20, messages=[{"role": "user", "content": parts}])
    url = f"data:image/png;base64,{data}"
    assert upstream.last["messages"][-1]["content"][1]["image_url"]["url"] == url
    inputs: Any = [{"type": "input_text", "text": "What?"}, {"type": "input_image", "image_url": url}]
    client.responses.create(model=name, input=[{"role": "user", "content": inputs}])
    assert upstream.last["messages"][-1]["content"][1]["image_url"]["url"] == url


@pytest.mark.feature("tools")
def test_tool_results_of_messages_and_responses(
    claude: anthropic.Anthropic, client: openai.OpenAI, name: str, upstream: Upstream
) -> None:
    use = {"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Paris"}}
    result = {"type": "tool_result", "tool_use_id": "c1", "content": "sunny"}
    history: Any = [*HELLO, {"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
    answer: Any = claude.messages.create(model=name, max_tokens=20, messages=history, tools=[WEATHER_OF_ANTHROPIC])
    assert answer.content[0].text == "You said: sunny"
    items: Any = [
        *HELLO,
        {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": '{"city": "Paris"}'},
        {"type": "function_call_output", "call_id": "c1", "output": "sunny"},
    ]
    assert (
        client.responses.create(model=name, input=items, tools=[WEATHER_OF_RESPONSES]).output_text == "You said: sunny"
    )
    (call,) = upstream.last["messages"][-2]["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {"city": "Paris"}


def test_errors_of_messages_and_responses(
    claude: anthropic.Anthropic, client: openai.OpenAI, name: str, upstream: Upstream
) -> None:
    upstream.will(Refusal(404, "model_not_found"), Refusal(404, "model_not_found"))
    with pytest.raises(anthropic.NotFoundError, match="the upstream says no"):
        claude.messages.create(model=name, max_tokens=5, messages=HELLO)
    with pytest.raises(openai.NotFoundError, match="the upstream says no"):
        client.responses.create(model=name, input="hello")

"""What clients get from the formats through a running proxy, and what the upstreams got: a program that checks.

It runs where LiteLLM's clients are installed, with the standard library beside them. Its one argument is JSON: `url` and `key`
of the proxy, and for each format the `model` and the `port` of its upstream, which is opened here with the stand-in of the
package, `stand_ins.<format>.upstream`. It prints JSON: `found`, with format, client, feature and what was wrong, nothing where
all was well; `features`, with what each looks at; and `versions`, of LiteLLM and the clients.
"""

from __future__ import annotations

import base64
import importlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, Protocol

import anthropic
import openai

CITY: Mapping[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOL: Mapping[str, Any] = {"name": "weather", "description": "The weather of a city", "parameters": CITY}
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\nan image").decode()
PDF = base64.b64encode(b"%PDF-1.7\nsome pages").decode()
THOUGHT = ("Seven ", "swans.")
TRIES = 9
"""How often the upstream refuses a call: more often than the proxy tries."""
FILES = {"document", "file", "input_file"}
"""What formats call a part that is a file; one that calls it an image is none that a model can read."""


class MissingError(Exception):
    """Something did not arrive: what, in a few words."""


def expect(good: object, otherwise: str) -> None:
    """Raises MissingError with those words unless it is good."""
    if not good:
        raise MissingError(otherwise)


@dataclass
class Call:
    """A tool call as a client got it."""

    id: str
    name: str
    arguments: Any


@dataclass
class Answer:
    """What a client got."""

    text: str = ""
    pieces: int = 0
    """In how many the text came, if it was streamed."""
    calls: list[Call] = field(default_factory=list)
    thinking: str = ""
    stop: str = ""
    """Why the answer ended, in the client's words."""
    usage: tuple[int, int, int] = (0, 0, 0)
    """Tokens of the prompt, of these from a cache, and of the answer, each as the client's API counts them."""
    turn: Sequence[Any] = ()
    """What the client sends back of it when the conversation goes on."""


class Client(Protocol):
    """An SDK on one of the proxy's endpoints."""

    stops: Mapping[str, str]
    """The upstream's reason, in the words of chat completions, and what it is here."""
    errors: Any
    """The module with the SDK's exceptions."""
    cached_in_prompt: bool
    """Whether tokens of a cache are counted as tokens of the prompt, too."""

    def ask(self, turns: Sequence[Any], *, stream: bool = False, **wishes: Any) -> Answer:
        """Makes a call.

        Args:
            turns: the conversation, in the client's words.
            stream: whether the answer is streamed.
            wishes: `system`, a text; and whether there are `tools`, a `schema`, and thinking (`think`).
        """
        ...

    def user(self, text: str, image: str = "", pdf: str = "") -> Sequence[Any]:
        """Returns a turn of the user's; files are base64."""
        ...

    def results(self, found: Mapping[str, str]) -> Sequence[Any]:
        """Returns the turn with what tools found, by the ids of their calls."""
        ...


class Chat:
    """OpenAI's SDK on /v1/chat/completions."""

    stops: Mapping[str, str] = {name: name for name in ("stop", "tool_calls", "length", "content_filter")}
    errors: Any = openai
    cached_in_prompt = True

    def __init__(self, url: str, key: str, model: str) -> None:
        self._client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, timeout=30)
        self._model = model

    def ask(self, turns: Sequence[Any], *, stream: bool = False, **wishes: Any) -> Answer:
        """Makes a call."""
        system = [{"role": "system", "content": wishes["system"]}] if "system" in wishes else []
        arguments: dict[str, Any] = {"model": self._model, "messages": [*system, *turns]}
        if wishes.get("tools"):
            arguments["tools"] = [{"type": "function", "function": TOOL}]
        if wishes.get("think"):
            arguments["reasoning_effort"] = "low"
        if wishes.get("schema"):
            form = {"name": "place", "schema": CITY, "strict": True}
            arguments["response_format"] = {"type": "json_schema", "json_schema": form}
        create = self._client.chat.completions.create
        if stream:
            chunks = create(**arguments, stream=True, stream_options={"include_usage": True})
            message, pieces, stop, usage = _joined(chunks)
        else:
            answer = create(**arguments)
            choice = answer.choices[0]
            message, pieces, stop, usage = choice.message.to_dict(), 1, choice.finish_reason, answer.usage
        details = usage and usage.prompt_tokens_details
        return Answer(
            text=message.get("content") or "",
            pieces=pieces,
            calls=[
                Call(call["id"], call["function"]["name"], json.loads(call["function"]["arguments"]))
                for call in message.get("tool_calls") or []
            ],
            thinking=message.get("reasoning_content") or "",
            stop=stop,
            usage=_numbers(
                usage and usage.prompt_tokens, details and details.cached_tokens, usage and usage.completion_tokens
            ),
            turn=[message],
        )

    def user(self, text: str, image: str = "", pdf: str = "") -> Sequence[Any]:
        """Returns a turn of the user's."""
        parts: list[Any] = [{"type": "text", "text": text}]
        if image:
            parts.append({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{image}"}})
        if pdf:
            file = {"filename": "pages.pdf", "file_data": f"data:application/pdf;base64,{pdf}"}
            parts.append({"type": "file", "file": file})
        return [{"role": "user", "content": parts if image or pdf else text}]

    def results(self, found: Mapping[str, str]) -> Sequence[Any]:
        """Returns the turns with what tools found."""
        return [{"role": "tool", "tool_call_id": call, "content": text} for call, text in found.items()]


def _joined(chunks: Any) -> tuple[dict[str, Any], int, str, Any]:
    """Returns the message of a stream, in how many pieces its text came, why it ended, and its usage."""
    message: dict[str, Any] = {"role": "assistant", "content": ""}
    pieces, stop, usage = 0, "", None
    calls: dict[int, dict[str, Any]] = {}
    blocks: list[dict[str, Any]] = []
    for chunk in chunks:
        usage = chunk.usage or usage
        for choice in chunk.choices:
            stop = choice.finish_reason or stop
            delta = choice.delta.to_dict()
            for name in ("content", "reasoning_content"):
                if delta.get(name):
                    message[name] = message.get(name, "") + delta[name]
                    pieces += name == "content"
            for block in delta.get("thinking_blocks") or []:
                _add_block(blocks, block)
            for call in delta.get("tool_calls") or []:
                known = calls.setdefault(call["index"], {"function": {"name": "", "arguments": ""}})
                known |= {name: call[name] for name in ("id", "type") if call.get(name)}
                for name, piece in call["function"].items():
                    known["function"][name] += piece or ""
    if calls:
        message["tool_calls"] = [calls[index] for index in sorted(calls)]
    if blocks:
        message["thinking_blocks"] = blocks
    return message, pieces, stop, usage


def _add_block(blocks: list[dict[str, Any]], block: Mapping[str, Any]) -> None:
    """Adds a piece of a thinking block to those of a stream: text goes on, the signature ends it."""
    if blocks and blocks[-1]["type"] == block["type"] == "thinking" and not blocks[-1].get("signature"):
        blocks[-1]["thinking"] += block.get("thinking") or ""
        blocks[-1] |= {"signature": block["signature"]} if block.get("signature") else {}
    else:
        blocks.append(dict(block))


class Responses:
    """OpenAI's SDK on /v1/responses, with nothing kept on the server."""

    stops: Mapping[str, str] = {
        "stop": "completed",
        "tool_calls": "completed",
        "length": "max_output_tokens",
        "content_filter": "content_filter",
    }
    errors: Any = openai
    cached_in_prompt = True

    def __init__(self, url: str, key: str, model: str) -> None:
        self._client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, timeout=30)
        self._model = model

    def ask(self, turns: Sequence[Any], *, stream: bool = False, **wishes: Any) -> Answer:
        """Makes a call."""
        arguments: dict[str, Any] = {"model": self._model, "input": list(turns), "store": False}
        if "system" in wishes:
            arguments["instructions"] = wishes["system"]
        if wishes.get("tools"):
            arguments["tools"] = [{"type": "function", **TOOL}]
        if wishes.get("think"):
            arguments |= {"reasoning": {"effort": "low"}, "include": ["reasoning.encrypted_content"]}
        if wishes.get("schema"):
            arguments["text"] = {"format": {"type": "json_schema", "name": "place", "schema": CITY, "strict": True}}
        pieces: list[str] = []
        if stream:
            answer: Any = None
            for event in self._client.responses.create(**arguments, stream=True):
                if event.type == "response.output_text.delta":
                    pieces.append(event.delta)
                if event.type in ("response.completed", "response.incomplete", "response.failed"):
                    answer = event.response
            expect(answer is not None, "the stream has no end")
            expect("".join(pieces) == answer.output_text, f"the pieces of the text make {''.join(pieces)!r}")
        else:
            answer = self._client.responses.create(**arguments)
        details, usage = answer.incomplete_details, answer.usage
        cached = usage and usage.input_tokens_details and usage.input_tokens_details.cached_tokens
        items = [item.to_dict() for item in answer.output]
        return Answer(
            text=answer.output_text,
            pieces=len(pieces),
            calls=[
                Call(item["call_id"], item["name"], json.loads(item["arguments"]))
                for item in items
                if item["type"] == "function_call"
            ],
            thinking="".join(
                part["text"]
                for item in items
                if item["type"] == "reasoning"
                for part in (item.get("summary") or item.get("content") or [])
            ),
            stop=(details and details.reason) or answer.status,
            usage=_numbers(usage and usage.input_tokens, cached, usage and usage.output_tokens),
            turn=items,
        )

    def user(self, text: str, image: str = "", pdf: str = "") -> Sequence[Any]:
        """Returns a turn of the user's."""
        parts: list[Any] = [{"type": "input_text", "text": text}]
        if image:
            parts.append({"type": "input_image", "image_url": f"data:image/png;base64,{image}"})
        if pdf:
            data = f"data:application/pdf;base64,{pdf}"
            parts.append({"type": "input_file", "filename": "pages.pdf", "file_data": data})
        return [{"role": "user", "content": parts if image or pdf else text}]

    def results(self, found: Mapping[str, str]) -> Sequence[Any]:
        """Returns the items with what tools found."""
        return [{"type": "function_call_output", "call_id": call, "output": text} for call, text in found.items()]


class Messages:
    """Anthropic's SDK on /v1/messages."""

    stops: Mapping[str, str] = {
        "stop": "end_turn",
        "tool_calls": "tool_use",
        "length": "max_tokens",
        "content_filter": "refusal",
    }
    errors: Any = anthropic
    cached_in_prompt = False

    def __init__(self, url: str, key: str, model: str) -> None:
        self._client = anthropic.Anthropic(base_url=url, api_key=key, max_retries=0, timeout=30)
        self._model = model

    def ask(self, turns: Sequence[Any], *, stream: bool = False, **wishes: Any) -> Answer:
        """Makes a call."""
        arguments: dict[str, Any] = {"model": self._model, "messages": list(turns), "max_tokens": 2000}
        if "system" in wishes:
            arguments["system"] = wishes["system"]
        if wishes.get("tools"):
            tool = {"name": TOOL["name"], "description": TOOL["description"], "input_schema": CITY}
            arguments["tools"] = [tool]
        if wishes.get("think"):
            arguments["thinking"] = {"type": "enabled", "budget_tokens": 1024}
        if wishes.get("schema"):
            arguments["output_config"] = {"format": {"type": "json_schema", "schema": CITY}}
        pieces: list[str] = []
        if stream:
            with self._client.messages.stream(**arguments) as events:
                pieces = [piece for piece in events.text_stream if piece]
                answer: Any = events.get_final_message()
        else:
            answer = self._client.messages.create(**arguments)
        blocks = [block.to_dict() for block in answer.content]
        usage = answer.usage
        return Answer(
            text="".join(block["text"] for block in blocks if block["type"] == "text"),
            pieces=len(pieces),
            calls=[Call(block["id"], block["name"], block["input"]) for block in blocks if block["type"] == "tool_use"],
            thinking="".join(block["thinking"] for block in blocks if block["type"] == "thinking"),
            stop=answer.stop_reason,
            usage=_numbers(usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens),
            turn=[{"role": "assistant", "content": blocks}],
        )

    def count(self, text: str) -> int:
        """Returns how many tokens a prompt has, as the proxy says."""
        counted = self._client.messages.count_tokens(model=self._model, messages=list(self.user(text)))
        return int(counted.input_tokens)

    def user(self, text: str, image: str = "", pdf: str = "") -> Sequence[Any]:
        """Returns a turn of the user's."""
        parts: list[Any] = [{"type": "text", "text": text}]
        for kind, media_type, data in (("image", "image/png", image), ("document", "application/pdf", pdf)):
            if data:
                parts.append({"type": kind, "source": {"type": "base64", "media_type": media_type, "data": data}})
        return [{"role": "user", "content": parts if image or pdf else text}]

    def results(self, found: Mapping[str, str]) -> Sequence[Any]:
        """Returns the turn with what tools found."""
        blocks = [{"type": "tool_result", "tool_use_id": call, "content": text} for call, text in found.items()]
        return [{"role": "user", "content": blocks}]


def _numbers(prompt: object, cached: object, answer: object) -> tuple[int, int, int]:
    numbers = [number if isinstance(number, int) else 0 for number in (prompt, cached, answer)]
    return numbers[0], numbers[1], numbers[2]


class Case:
    """A client and the upstream of one format.

    Args:
        client: the client.
        upstream: the stand-in of the upstream.
        wire: its format.
        server: the module that it is from.
    """

    def __init__(self, client: Client, upstream: Any, wire: Any, server: Any) -> None:
        self.client = client
        self.upstream = upstream
        self.wire = wire
        self.server = server

    def ask(self, turns: Sequence[Any], reply: Any, *, stream: bool = False, **wishes: Any) -> Answer:
        """Makes a call, of which the upstream gets one request, and answers with that."""
        self.upstream.reset()
        self.upstream.will(reply)
        answer = self.client.ask(turns, stream=stream, **wishes)
        made = len(self.upstream.requests)
        expect(made == 1, f"the upstream got {made} requests")
        asked = bool(self.upstream.last.get("stream"))
        expect(asked is stream, f"the upstream was asked with stream = {asked}")
        return answer

    def reply(self, *text: str, **more: Any) -> Any:
        """Returns an answer of the upstream's."""
        return self.server.Reply(text=text, **more)

    def calls(self, *cities: str) -> tuple[Any, ...]:
        """Returns tool calls of the upstream's, their arguments in pieces."""
        return tuple(
            self.server.ToolCall(f"call_{city}", TOOL["name"], ('{"ci', 'ty": "', f'{city}"}}')) for city in cities
        )

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages that the upstream got, in the words of chat completions."""
        found: list[dict[str, Any]] = self.upstream.last["messages"]
        return found

    @property
    def body(self) -> Any:
        """What the upstream got, in its own words."""
        return self.upstream.requests[-1].body


def text(case: Case) -> None:
    """The question arrives, and its answer comes back."""
    answer = case.ask(case.client.user("What day?"), case.reply("Good ", "day"))
    expect(case.messages[-1]["content"] == "What day?", f"the upstream got {case.messages[-1]['content']!r}")
    expect(answer.text == "Good day", f"the client got {answer.text!r}")


def streamed_text(case: Case) -> None:
    """A stream is asked for, and its text comes back in the upstream's pieces."""
    answer = case.ask(case.client.user("What day?"), case.reply("Good ", "day, ", "sir"), stream=True)
    expect(answer.text == "Good day, sir", f"the client got {answer.text!r}")
    expect(answer.pieces == 3, f"the text came in {answer.pieces} pieces")


def system_prompt(case: Case) -> None:
    """It arrives as the system's, before the question; streamed and not."""
    for stream in (False, True):
        case.ask(case.client.user("Hi"), case.reply("Yes"), stream=stream, system="Be brief.")
        said = [(message["role"], message["content"]) for message in case.messages]
        expect(said in ([(role, "Be brief."), ("user", "Hi")] for role in ("system", "developer")), f"it got {said}")


def tools(case: Case) -> None:
    """The tool arrives with its schema; the call comes back with its arguments; the call and its result arrive in the second turn."""
    _calls(case, "Paris", stream=False)


def streamed_tools(case: Case) -> None:
    """The same with streams, the arguments in pieces."""
    _calls(case, "Paris", stream=True)


def parallel_tools(case: Case) -> None:
    """The same with two calls at once, streamed and not; the pieces of a stream come in turns."""
    _calls(case, "Paris", "Rome", stream=False)
    _calls(case, "Paris", "Rome", stream=True)


def _calls(case: Case, *cities: str, stream: bool) -> None:
    first = case.client.user("How is the weather?")
    reply = case.reply(tool_calls=case.calls(*cities), interleaved=True)
    answer = case.ask(first, reply, stream=stream, tools=True)
    offered = [tool["function"]["name"] for tool in case.upstream.last.get("tools") or []]
    expect(offered == [TOOL["name"]], f"the upstream was offered {offered}")
    properties = case.upstream.last["tools"][0]["function"]["parameters"].get("properties")
    expect(properties == CITY["properties"], f"the tool takes {properties}")
    got = [(call.name, call.arguments) for call in answer.calls]
    expect(got == [(TOOL["name"], {"city": city}) for city in cities], f"the client got the calls {got}")
    expect(answer.stop == case.client.stops["tool_calls"], f"the client was told {answer.stop!r}")
    found = {call.id: f"sunny in {city}" for call, city in zip(answer.calls, cities, strict=True)}
    turns = [*first, *answer.turn, *case.client.results(found)]
    last = case.ask(turns, case.reply("Sunny."), stream=stream, tools=True)
    expect(last.text == "Sunny.", f"the client got {last.text!r} at last")
    called = [call for message in case.messages for call in message.get("tool_calls") or []]
    sent = [(call["id"], json.loads(call["function"]["arguments"])) for call in called]
    expect(
        sent == [(f"call_{city}", {"city": city}) for city in cities], f"the upstream got the calls {sent} of before"
    )
    results = {one["tool_call_id"]: one["content"] for one in case.messages if one["role"] == "tool"}
    expect(
        results == {f"call_{city}": f"sunny in {city}" for city in cities}, f"the upstream got the results {results}"
    )


def thinking(case: Case) -> None:
    """Thinking is asked for upstream, and the thought comes back beside the text; streamed and not."""
    for stream in (False, True):
        answer = case.ask(
            case.client.user("How many?"), case.reply("Seven.", reasoning=THOUGHT), stream=stream, think=True
        )
        asked = case.upstream.last
        expect(asked.get("reasoning_effort") or asked.get("thinking"), "the upstream was not asked to think")
        how = "streamed: " if stream else ""
        expect(answer.thinking == "".join(THOUGHT), f"{how}the client got the thought {answer.thinking!r}")
        expect(answer.text == "Seven.", f"{how}the client got {answer.text!r}")


def thinking_carried_over(case: Case) -> None:
    """The thought before a tool call goes upstream again with the result: its signature or encrypted content, or else its text; streamed and not."""
    for stream in (False, True):
        first = case.client.user("How is the weather?")
        reply = case.reply(tool_calls=case.calls("Paris"), reasoning=THOUGHT)
        answer = case.ask(first, reply, stream=stream, tools=True, think=True)
        sealed = [
            value
            for name, value in _texts(case.wire.answer(reply, "any"))
            if name in ("encrypted_content", "signature")
        ]
        results = case.client.results({call.id: "sunny" for call in answer.calls})
        case.ask([*first, *answer.turn, *results], case.reply("Sunny."), stream=stream, tools=True, think=True)
        got = {value for _, value in _texts(case.body)}
        wanted = sealed or ["".join(THOUGHT)]
        how = "streamed: " if stream else ""
        expect(got.issuperset(wanted), f"{how}the upstream did not get {wanted} back")


def images(case: Case) -> None:
    """An image of the client's own arrives as one."""
    case.ask(case.client.user("What is it?", image=PNG), case.reply("A cat."))
    content = case.messages[-1]["content"]
    images = [part["image_url"]["url"] for part in content if part["type"] == "image_url"]
    expect(images == [f"data:image/png;base64,{PNG}"], f"the upstream got {content}")


def pdf(case: Case) -> None:
    """A PDF of the client's own arrives as a file, and not as an image."""
    case.ask(case.client.user("What does it say?", pdf=PDF), case.reply("Some."))
    kinds = list(_kinds(case.body, PDF))
    expect(kinds, "the upstream got no PDF")
    expect(set(kinds) <= FILES, f"the upstream got the PDF as {kinds[0]}")
    expect("application/pdf" in json.dumps(case.body), "the upstream was not told that it is a PDF")


def _texts(content: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yields each text in a JSON value, with the name that it has."""
    if isinstance(content, str):
        yield name, content
    for key, value in content.items() if isinstance(content, dict) else ():
        yield from _texts(value, key)
    for value in content if isinstance(content, list) else ():
        yield from _texts(value, name)


def _kinds(content: Any, data: str, kind: str = "nothing that has a type") -> Iterator[str]:
    """Yields the type of each part of a JSON value that has those data in it."""
    if isinstance(content, str) and data in content:
        yield kind
    if isinstance(content, dict):
        # The source of a document has a type as well, which says how the data are written.
        own = content.get("type", kind)
        for value in content.values():
            yield from _kinds(value, data, kind if own == "base64" else own)
    for value in content if isinstance(content, list) else ():
        yield from _kinds(value, data, kind)


def json_schema(case: Case) -> None:
    """The schema arrives, and the answer in that form comes back; streamed and not."""
    for stream in (False, True):
        answer = case.ask(case.client.user("Where?"), case.reply('{"city": ', '"Paris"}'), stream=stream, schema=True)
        form = case.upstream.last.get("response_format") or {}
        properties = ((form.get("json_schema") or {}).get("schema") or {}).get("properties")
        expect(properties == CITY["properties"], f"the upstream was asked for {form or 'no form'}")
        expect(answer.text == '{"city": "Paris"}', f"the client got {answer.text!r}")


def usage(case: Case) -> None:
    """The upstream's tokens come back: of the prompt, of these from a cache, of the answer; streamed and not."""
    for stream in (False, True):
        reply = case.reply("Yes", prompt_tokens=2100, cached_tokens=2000, completion_tokens=9)
        answer = case.ask(case.client.user("Hi"), reply, stream=stream)
        prompt = 2100 if case.client.cached_in_prompt else 100
        how = "streamed: " if stream else ""
        expect(
            answer.usage == (prompt, 2000, 9),
            f"{how}the client got {answer.usage[0]} tokens, {answer.usage[1]} cached, {answer.usage[2]} answered",
        )


def stop_reasons(case: Case) -> None:
    """An answer that ended by itself, was too long or was filtered says so in the client's words; streamed and not."""
    for reason in ("stop", "length", "content_filter"):
        for stream in (False, True):
            answer = case.ask(case.client.user("Hi"), case.reply("Yes", finish_reason=reason), stream=stream)
            how = "streamed, " if stream else ""
            expect(answer.stop == case.client.stops[reason], f"{how}{reason}: the client was told {answer.stop!r}")


def rate_limit(case: Case) -> None:
    """The SDK raises its `RateLimitError`, with the upstream's words."""
    _refused(case, _limit(case), stream=False)


def streamed_rate_limit(case: Case) -> None:
    """The same where a stream is asked for."""
    _refused(case, _limit(case), stream=True)


def context_window(case: Case) -> None:
    """The SDK raises its `BadRequestError`, which names LiteLLM's `ContextWindowExceededError`."""
    _refused(case, _too_long(case), stream=False)


def streamed_context_window(case: Case) -> None:
    """The same where a stream is asked for."""
    _refused(case, _too_long(case), stream=True)


def _limit(case: Case) -> tuple[Any, str, str]:
    return case.server.Refusal(429, "rate_limit_exceeded", "slow down"), "RateLimitError", "slow down"


def _too_long(case: Case) -> tuple[Any, str, str]:
    refusal = case.server.Refusal(400, "context_length_exceeded", "much too long")
    return refusal, "BadRequestError", "ContextWindowExceededError"


def _refused(case: Case, wanted: tuple[Any, str, str], *, stream: bool) -> None:
    """Looks for an exception with the right class and words where the upstream refuses."""
    refusal, kind, words = wanted
    case.upstream.reset()
    case.upstream.will(*[refusal] * TRIES)
    try:
        answer = case.client.ask(case.client.user("Hi"), stream=stream)
    except case.client.errors.APIError as error:
        got = type(error).__name__
        expect(got == kind, f"the client got a {got}")
        expect(words in str(error), f"the client was told {str(error)[:200]!r}")
    else:
        raise MissingError(f"the client got no exception, but an answer that ended with {answer.stop!r}")
    expect(case.upstream.requests, "the upstream was not asked")


def count_tokens(case: Case) -> None:
    """A number comes back, and a higher one for a longer prompt. The upstream is not asked."""
    assert isinstance(case.client, Messages)
    case.upstream.reset()
    short, long = case.client.count("Hi"), case.client.count("Hi " * 100)
    expect(0 < short < long, f"the client got {short} tokens and {long} of a longer prompt")
    expect(not case.upstream.requests, "the upstream was asked")


FEATURES: Mapping[str, Callable[[Case], None]] = {
    "text": text,
    "streamed text": streamed_text,
    "system prompt": system_prompt,
    "tools: call and result": tools,
    "streamed tools": streamed_tools,
    "parallel tools": parallel_tools,
    "thinking shown": thinking,
    "thinking carried over": thinking_carried_over,
    "images": images,
    "PDF": pdf,
    "JSON schema": json_schema,
    "usage with cached tokens": usage,
    "stop reasons": stop_reasons,
    "rate limit (429)": rate_limit,
    "rate limit, streamed": streamed_rate_limit,
    "prompt too long": context_window,
    "prompt too long, streamed": streamed_context_window,
    "count_tokens": count_tokens,
}
CLIENTS: Mapping[str, Callable[[str, str, str], Client]] = {"chat": Chat, "responses": Responses, "messages": Messages}
ONLY: Mapping[str, str] = {"count_tokens": "messages"}
"""Features that one client alone has."""


def wrong(check: Callable[[Case], None], case: Case) -> str:
    """Returns what is wrong with a feature; nothing where all is well."""
    try:
        check(case)
    except MissingError as missing:
        return str(missing)
    except (openai.OpenAIError, anthropic.AnthropicError) as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())[:400]}"
    return ""


def outcomes(name: str, one: Mapping[str, Any], url: str, key: str) -> list[tuple[str, str, str, str]]:
    """Returns format, client, feature and what was wrong, for all clients and features.

    Args:
        name: the format.
        one: `model`, what the proxy calls its model, and `port`, where its upstream is to listen.
        url: the proxy.
        key: its key.
    """
    stand_in = importlib.import_module(f"stand_ins.{name}.upstream")
    server = importlib.import_module(f"stand_ins.{name}.conformance.server")
    wire = stand_in.UpstreamFormat()
    found: list[tuple[str, str, str, str]] = []
    with server.Upstream(wire, port=one["port"]) as upstream:
        for client, make in CLIENTS.items():
            case = Case(make(url, key, one["model"]), upstream, wire, server)
            found += [
                (name, client, feature, wrong(check, case))
                for feature, check in FEATURES.items()
                if ONLY.get(feature, client) == client
            ]
    return found


def main() -> None:
    """Prints the outcomes."""
    told = json.loads(sys.argv[1])
    # At once, as most of the time goes by between tries of the proxy.
    with ThreadPoolExecutor() as threads:
        running = [
            threads.submit(outcomes, name, one, told["url"], told["key"]) for name, one in told["formats"].items()
        ]
        found = [outcome for future in running for outcome in future.result()]
    versions = {name: version(name) for name in ("litellm", "openai", "anthropic")}
    features = {name: (check.__doc__ or "").strip() for name, check in FEATURES.items()}
    sys.stdout.write(json.dumps({"found": found, "features": features, "versions": versions}) + "\n")


if __name__ == "__main__":
    main()

"""Five ways to make the same call, each with the same four methods.

Runs in the environment of the rendered package (prepare.py). What a method returns is the text that came
back, so that the run can tell whether all contenders did the same work. Each one of LiteLLM's is asked for a
model that it has a price for.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any, Protocol

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import httpx
import litellm
import openai
from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler, HTTPHandler
from litellm.llms.custom_llm import CustomLLM
from litellm.types.utils import ModelResponse, ModelResponseStream

from benchmarks.calls import MINIMAL, OPENAI, PROVIDER

MESSAGES = [{"role": "user", "content": "Tell me about the fox and the dog, please."}]
_KEY = "sk-benchmark"
_OPENAI_MODEL = "gpt-4o-mini"
# What the default answers make.
_PACKAGE = "litellm_acme_ai"
_PREFIX = "acme-ai"
_MODEL = "chat-large"


class Contender(Protocol):
    """One way to call the upstream."""

    name: str

    def call(self) -> str:
        """Returns the answer of one call."""
        ...

    async def acall(self) -> str:
        """Returns the answer of one asynchronous call."""
        ...

    def stream(self) -> str:
        """Returns the joined text of a stream."""
        ...

    async def astream(self) -> str:
        """Returns the joined text of an asynchronous stream."""
        ...


def make_contenders(upstream: str) -> Sequence[Contender]:
    """Makes all contenders, in the order of the tables.

    Args:
        upstream: its address.
    """
    import_module(_PACKAGE).register()
    base = f"{upstream}/{_MODEL}"
    openai_base = f"{upstream}/{_OPENAI_MODEL}"
    return [
        ThroughLiteLLM(PROVIDER, f"{_PREFIX}/{_MODEL}", base),
        ThroughLiteLLM(OPENAI, f"openai/{_OPENAI_MODEL}", openai_base),
        OpenAISDK(openai_base),
        Bare(base),
        minimal(base, f"{_PREFIX}/{_MODEL}"),
    ]


def minimal(api_base: str, like: str) -> Contender:
    """Returns the least that a custom provider can do.

    Args:
        api_base: of the upstream.
        like: the model whose prices and abilities it gets, with the provider's prefix.
    """
    litellm.custom_provider_map.append({"provider": "minimal", "custom_handler": Minimal()})
    litellm.provider_list.append("minimal")
    litellm.register_model({f"minimal/{_MODEL}": {**litellm.model_cost[like], "litellm_provider": "minimal"}})
    return ThroughLiteLLM(MINIMAL, f"minimal/{_MODEL}", api_base)


class ThroughLiteLLM:
    """A call of `litellm.completion`.

    Args:
        name: the contender's.
        model: with the provider's prefix.
        api_base: of the upstream.
    """

    def __init__(self, name: str, model: str, api_base: str) -> None:
        self.name = name
        self._arguments: dict[str, Any] = {
            "model": model,
            "api_base": api_base,
            "api_key": _KEY,
            "messages": MESSAGES,
        }

    def call(self) -> str:
        """Makes one call."""
        return _text(litellm.completion(**self._arguments))

    async def acall(self) -> str:
        """Makes one asynchronous call."""
        return _text(await litellm.acompletion(**self._arguments))

    def stream(self) -> str:
        """Reads one stream."""
        return "".join([_delta(chunk) for chunk in litellm.completion(stream=True, **self._arguments)])

    async def astream(self) -> str:
        """Reads one asynchronous stream."""
        chunks = await litellm.acompletion(stream=True, **self._arguments)
        return "".join([_delta(chunk) async for chunk in chunks])


class OpenAISDK:
    """The openai package, without LiteLLM.

    Args:
        api_base: of the upstream.
    """

    name = "openai SDK"

    def __init__(self, api_base: str) -> None:
        self._client = openai.OpenAI(base_url=api_base, api_key=_KEY)
        self._async_client = openai.AsyncOpenAI(base_url=api_base, api_key=_KEY)
        self._arguments: dict[str, Any] = {"model": _OPENAI_MODEL, "messages": MESSAGES}

    def call(self) -> str:
        """Makes one call."""
        return _text(self._client.chat.completions.create(**self._arguments))

    async def acall(self) -> str:
        """Makes one asynchronous call."""
        return _text(await self._async_client.chat.completions.create(**self._arguments))

    def stream(self) -> str:
        """Reads one stream."""
        chunks = self._client.chat.completions.create(stream=True, **self._arguments)
        return "".join([_delta(chunk) for chunk in chunks])

    async def astream(self) -> str:
        """Reads one asynchronous stream."""
        chunks = await self._async_client.chat.completions.create(stream=True, **self._arguments)
        return "".join([_delta(chunk) async for chunk in chunks])


class Bare:
    """httpx alone; the JSON of an answer or of a stream's lines is read, and nothing made of it.

    Args:
        api_base: of the upstream.
    """

    name = "bare httpx"

    def __init__(self, api_base: str) -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        self._client = httpx.Client(timeout=60, limits=limits)
        self._async_client = httpx.AsyncClient(timeout=60, limits=limits)
        self._url = f"{api_base}/chat/completions"
        self._headers = {"Authorization": f"Bearer {_KEY}"}
        self._body: dict[str, Any] = {"model": "any", "messages": MESSAGES}

    def call(self) -> str:
        """Makes one call."""
        return _json_text(self._client.post(self._url, json=self._body, headers=self._headers))

    async def acall(self) -> str:
        """Makes one asynchronous call."""
        return _json_text(await self._async_client.post(self._url, json=self._body, headers=self._headers))

    def stream(self) -> str:
        """Reads one stream."""
        body = {**self._body, "stream": True}
        with self._client.stream("POST", self._url, json=body, headers=self._headers) as response:
            return "".join([_json_delta(chunk) for line in response.iter_lines() if (chunk := _data(line))])

    async def astream(self) -> str:
        """Reads one asynchronous stream."""
        body = {**self._body, "stream": True}
        async with self._async_client.stream("POST", self._url, json=body, headers=self._headers) as response:
            return "".join([_json_delta(chunk) async for line in response.aiter_lines() if (chunk := _data(line))])


class Minimal(CustomLLM):  # type: ignore[misc]  # LiteLLM is not installed where types are checked
    """The least that a custom provider can do: post, and hand on what comes back.

    It maps no parameter, logs nothing, and knows no error. It shares LiteLLM's own HTTP clients, as the
    rendered provider does. Its distance to the rendered provider is what the provider itself costs.
    """

    def __init__(self) -> None:
        super().__init__()
        self._client = HTTPHandler().client
        self._async_client: httpx.AsyncClient | None = None

    def completion(self, *args: Any, **call: Any) -> Any:
        """Makes one call."""
        return ModelResponse(**self._client.send(_request(self._client, call, stream=False)).json())

    async def acompletion(self, *args: Any, **call: Any) -> Any:
        """Makes one asynchronous call."""
        client = self._shared()
        return ModelResponse(**(await client.send(_request(client, call, stream=False))).json())

    def streaming(self, *args: Any, **call: Any) -> Iterator[Any]:
        """Yields the upstream's chunks."""
        response = self._client.send(_request(self._client, call, stream=True), stream=True)
        try:
            finish = None
            for line in response.iter_lines():
                if chunk := _data(line):
                    if chunk["choices"] and chunk["choices"][0]["finish_reason"]:
                        finish = chunk
                    else:
                        yield ModelResponseStream(**chunk)
            if finish:
                yield ModelResponseStream(**finish)
        finally:
            response.close()

    async def astreaming(self, *args: Any, **call: Any) -> AsyncIterator[Any]:
        """Yields the upstream's chunks."""
        client = self._shared()
        response = await client.send(_request(client, call, stream=True), stream=True)
        try:
            finish = None
            async for line in response.aiter_lines():
                if chunk := _data(line):
                    if chunk["choices"] and chunk["choices"][0]["finish_reason"]:
                        finish = chunk
                    else:
                        yield ModelResponseStream(**chunk)
            if finish:
                yield ModelResponseStream(**finish)
        finally:
            await response.aclose()

    def _shared(self) -> httpx.AsyncClient:
        if self._async_client is None:  # made on the loop that uses it
            self._async_client = AsyncHTTPHandler().client
        return self._async_client


def _request(client: httpx.Client | httpx.AsyncClient, call: Mapping[str, Any], *, stream: bool) -> httpx.Request:
    body = {"model": call["model"], "messages": call["messages"]}
    if stream:
        body["stream"] = True
    return client.build_request(
        "POST",
        f"{call['api_base']}/chat/completions",
        json=body,
        headers={"Authorization": f"Bearer {call['api_key']}"},
        timeout=call["timeout"],
    )


def _data(line: str) -> Any:
    if line.startswith("data: ") and line != "data: [DONE]":
        return json.loads(line[6:])
    return None


def _text(answer: Any) -> str:
    return str(answer.choices[0].message.content)


def _delta(chunk: Any) -> str:
    return chunk.choices[0].delta.content or "" if chunk.choices else ""


def _json_text(response: httpx.Response) -> str:
    return str(response.raise_for_status().json()["choices"][0]["message"]["content"])


def _json_delta(chunk: Any) -> str:
    return chunk["choices"][0]["delta"].get("content") or "" if chunk["choices"] else ""

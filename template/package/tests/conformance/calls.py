"""Calls through LiteLLM, the same for sync and async. Template's file: do not edit."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import litellm
from litellm import acompletion, completion

Mode = Literal["sync", "async"]
MODES: tuple[Mode, ...] = ("sync", "async")

HELLO = [{"role": "user", "content": "hello"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def ask(mode: Mode, model: str, **arguments: Any) -> Any:
    """Returns the answer to a call that is not streamed."""
    arguments.setdefault("messages", HELLO)
    if mode == "sync":
        return completion(model=model, **arguments)
    return asyncio.run(acompletion(model=model, **arguments))


def stream(mode: Mode, model: str, into: list[Any] | None = None, **arguments: Any) -> list[Any]:
    """Returns the chunks of a streamed call.

    Args:
        into: a list that has the chunks that came before an error, too.
    """
    arguments.setdefault("messages", HELLO)
    chunks: list[Any] = [] if into is None else into
    if mode == "sync":
        for chunk in completion(model=model, stream=True, **arguments):
            chunks.append(chunk)
        return chunks

    async def collect() -> None:
        async for chunk in await acompletion(model=model, stream=True, **arguments):
            chunks.append(chunk)

    asyncio.run(collect())
    return chunks


def joined(chunks: list[Any]) -> Any:
    """Returns the chunks put together by LiteLLM, as its cost tracking does."""
    return litellm.stream_chunk_builder(chunks)


def text_of(chunks: list[Any]) -> str:
    """Returns the text of all chunks."""
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def cause(error: BaseException) -> BaseException:
    """Returns the exception itself, or the one that LiteLLM wrapped because it came in mid-stream."""
    return getattr(error, "original_exception", None) or error

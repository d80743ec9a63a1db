"""Calls through LiteLLM, the same for sync and async. Template's file: do not edit."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import litellm

from ..package import answers

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


# LiteLLM's function for each capability, and what it is asked.
_SIMPLEST: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": ("completion", {"messages": HELLO}),
    "embeddings": ("embedding", {"input": ["hello"]}),
    "images": ("image_generation", {"prompt": "hello"}),
    "image_edits": ("image_edit", {"prompt": "hello", "image": b"\x89PNG\r\n\x1a\n"}),
}
_FUNCTION, _ARGUMENTS = _SIMPLEST[answers.CAPABILITIES[0]]


def ask(mode: Mode, model: str, **arguments: Any) -> Any:
    """Returns the answer to a call that is not streamed: a chat, or what a provider without chats has in its place."""
    if mode == "sync":
        return getattr(litellm, _FUNCTION)(model=model, **{**_ARGUMENTS, **arguments})
    return asyncio.run(aask(model, **arguments))


async def aask(model: str, **arguments: Any) -> Any:
    """Does what `ask` does, without blocking."""
    return await getattr(litellm, f"a{_FUNCTION}")(model=model, **{**_ARGUMENTS, **arguments})


def stream(mode: Mode, model: str, into: list[Any] | None = None, **arguments: Any) -> list[Any]:
    """Returns the chunks of a streamed call; the answer alone of a provider that has nothing to stream.

    Args:
        into: a list that has the chunks that came before an error, too.
    """
    chunks: list[Any] = [] if into is None else into
    if "chat" not in answers.CAPABILITIES:
        return [ask(mode, model, **arguments)]
    if mode == "sync":
        for chunk in ask(mode, model, stream=True, **arguments):
            chunks.append(chunk)
        return chunks

    async def collect() -> None:
        async for chunk in await aask(model, stream=True, **arguments):
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

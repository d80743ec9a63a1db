"""What the parser of a stream can have beside LiteLLM's `chunk_parser`. Template's file: do not edit.

`get_model_response_iterator` of transformation.py returns the parser. LiteLLM's own parsers do as they are: they turn one
JSON object into one chunk. What an upstream needs beyond that, a subclass of `StreamParser` says.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ._litellm import BaseModelResponseIterator, GenericStreamingChunk, ModelResponseStream
from .sse import Decoder, Event, EventDecoder

if TYPE_CHECKING:
    from .request import Request

Chunks = ModelResponseStream | GenericStreamingChunk | list[ModelResponseStream] | None
"""What one event comes to: a chunk, several, or nothing that the caller sees."""


class StreamParser(BaseModelResponseIterator):
    """A parser that knows its call, the upstream's events, and the end. What is not overridden does as LiteLLM's parsers.

    One is made for each stream, so that it can keep what it has seen in attributes.
    """

    finished: bool = False
    """Set it when the upstream has said that it is finished: nothing that comes later is waited for, and where there was no
    finish reason, it is `stop`, or `tool_calls`."""

    def begin(self, request: Request) -> None:
        """Is told the call before the first event.

        Args:
            request: what was sent; its `body`, `optional_params`, `litellm_params` and `json_mode` are of use here.
        """

    def decoder(self) -> Decoder:
        """Returns what splits the body into events: server-sent ones; `LineDecoder()` takes each line for one."""
        return EventDecoder()

    def event_parser(self, event: Event) -> Chunks:
        """Returns what an event says; `chunk_parser` is given the JSON of its data.

        Args:
            event: its data, and its type where the upstream names them.

        Raises:
            BaseLLMException: the event is an error of the upstream.
            ValueError: it cannot be read.
        """
        content: dict[str, Any] = json.loads(event.data)
        return self.chunk_parser(content)

    def end(self) -> Chunks:
        """Returns what there is to say at the end of the body; it may also set `finished` only now."""
        return None

"""The upstream of the measurements: a server whose answers were made before anyone asked.

It runs as a process of its own (`python -m benchmarks.upstream`), prints its port, and speaks OpenAI chat
completions, and the formats of bodies.py and embeddings where the path ends in their name. The first part of a path is the model that it
answers for, so that each contender is told the model that it has a price for. What it does for a request is as little as a server can do, so that the time
that is measured is the client's.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, cast

from benchmarks import bodies

VECTOR = 1536
"""Numbers in a vector, as many as OpenAI's smaller model gives."""

CHUNKS = 500
"""Chunks with text in a streamed answer."""

_EVENTS_IN_WRITE = 50
_USAGE = {"prompt_tokens": 11, "completion_tokens": CHUNKS, "total_tokens": CHUNKS + 11}
ANSWER = "The quick brown fox jumps over the lazy dog. " * 4


@cache
def answer(model: str) -> bytes:
    """Returns the HTTP response of a call that is not streamed."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": ANSWER},
        "logprobs": None,
        "finish_reason": "stop",
    }
    content = {**_head(model, "chat.completion"), "choices": [choice], "usage": _USAGE}
    return _whole(json.dumps(content).encode())


@cache
def stream(model: str) -> bytes:
    """Returns the HTTP response of a streamed call: the form and order of OpenAI's own chunks."""
    head = _head(model, "chat.completion.chunk")
    deltas = [{"role": "assistant", "content": ""}, *({"content": f"word{n} "} for n in range(CHUNKS)), {}]
    events = [
        {
            **head,
            "choices": [
                {
                    "index": 0,
                    "delta": delta,
                    "logprobs": None,
                    "finish_reason": None if delta else "stop",
                }
            ],
            "usage": None,
        }
        for delta in deltas
    ]
    events.append({**head, "choices": [], "usage": _USAGE})
    return _streamed([b"data: %s\n\n" % json.dumps(event).encode() for event in events] + [b"data: [DONE]\n\n"])


_OTHERS = {
    "messages": (bodies.messages_answer, bodies.messages_events),
    "responses": (bodies.responses_answer, bodies.responses_events),
}


@cache
def other(name: str, model: str, streamed: bool) -> bytes:
    """Returns the HTTP response of a call in another format, by the last part of its path."""
    whole, events = _OTHERS[name]
    if not streamed:
        return _whole(json.dumps(whole(model, ANSWER)).encode())
    words = [f"word{n} " for n in range(CHUNKS)]
    return _streamed(
        [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events(model, words)]
    )


@cache
def vectors(model: str, number: int) -> bytes:
    """Returns the HTTP response of a call for embeddings: so many vectors."""
    values = [round(n / 7919 - 0.1, 16) for n in range(VECTOR)]
    data = [{"object": "embedding", "index": index, "embedding": values} for index in range(number)]
    usage = {"prompt_tokens": 9 * number, "total_tokens": 9 * number}
    return _whole(json.dumps({"object": "list", "data": data, "model": model, "usage": usage}).encode())


def _whole(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


def _streamed(parts: list[bytes]) -> bytes:
    writes = [b"".join(parts[start : start + _EVENTS_IN_WRITE]) for start in range(0, len(parts), _EVENTS_IN_WRITE)]
    body = b"".join(b"%x\r\n%s\r\n" % (len(write), write) for write in writes) + b"0\r\n\r\n"
    return b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n" + body


def _head(model: str, kind: str) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": kind,
        "created": 1700000000,
        "model": model,
        "system_fingerprint": "fp_1",
    }


class _Connection(asyncio.Protocol):
    """One connection of a client that keeps it open and does not pipeline."""

    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, blank, body = self._received.partition(b"\r\n\r\n")
        if not blank:
            return
        lower = head.lower()
        length = int(lower.partition(b"content-length:")[2].partition(b"\r\n")[0] or b"0")
        if len(body) < length:
            return
        self._received = b""
        path = head.split(b" ", 2)[1].decode()
        model = path.split("/", 2)[1]
        streamed = b'"stream":true' in body.replace(b" ", b"")
        name = path.rpartition("/")[2].partition("?")[0]
        if name == "embeddings":  # /<model>/<number>/embeddings
            self._transport.write(vectors(model, int(path.split("/")[2])))
        elif name in _OTHERS:
            self._transport.write(other(name, model, streamed))
        else:
            self._transport.write(stream(model) if streamed else answer(model))


@contextmanager
def running() -> Iterator[str]:
    """Starts the upstream as a process; yields its address, to which `/<model>` is to be added."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.upstream"],
        cwd=Path(__file__).parents[1],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.terminate()
        process.wait(10)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", 0, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())

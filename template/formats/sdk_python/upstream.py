"""The service behind the imaginary SDK of transformation.py, and where the SDK is. Yours to edit.

tests/conformance/ plays the service with it; tests/stand_in/example_sdk.py takes the SDK's place, and hands on what
the service says. Keep the three in step.

`python -m tests.upstream 8081` runs it by hand.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from .conformance.server import Refusal, Reply, Upstream

STAND_IN = Path(__file__).with_name("stand_in")
sys.path.insert(0, str(STAND_IN))
ENDED = {"stop": "complete", "tool_calls": "calls", "length": "length", "content_filter": "filtered"}


class UpstreamFormat:
    """The service, from its own side."""

    environment: ClassVar[dict[str, str]] = {
        "PYTHONPATH": os.pathsep.join(filter(None, (str(STAND_IN), os.environ.get("PYTHONPATH"))))
    }
    """What the provider finds the stand-in by: other processes by this, the one that runs the tests by its path."""

    def read(self, body: Any) -> dict[str, Any]:
        """Returns a request body as OpenAI's chat completions would have it: it is one."""
        return dict(body)

    def answer(self, reply: Reply, model: str) -> dict[str, Any]:
        """Returns the body of an answer that is not streamed."""
        return {"events": [json.loads(event) for event in self.events(reply, model)]}

    def events(self, reply: Reply, model: str) -> Iterator[str]:
        """Yields each line of a streamed answer."""
        for piece in reply.reasoning:
            yield _event("thought", text=piece)
        for piece in reply.text:
            yield _event("text", text=piece)
        pieces = [
            (number if reply.interleaved else 0, slot, call, piece, number == 0)
            for slot, call in enumerate(reply.tool_calls)
            for number, piece in enumerate(call.arguments)
        ]
        for _, slot, call, piece, first in sorted(pieces, key=lambda item: item[0]):
            head = {"id": call.id, "name": call.name} if first else {}
            yield _event("call", slot=slot, args=piece, **head)
        tokens = {"in": reply.prompt_tokens, "out": reply.completion_tokens, "cached": reply.cached_tokens}
        yield _event("usage", **tokens)
        yield _event("end", reason=ENDED[reply.finish_reason or ("tool_calls" if reply.tool_calls else "stop")])

    def event_bytes(self, data: str) -> bytes:
        """Returns a line as it is sent."""
        return f"{data}\n".encode()

    def refusal(self, refusal: Refusal) -> dict[str, Any]:
        """Returns the body of an error."""
        return {"error": {"code": refusal.code, "message": refusal.message}}

    def error_event(self, refusal: Refusal) -> str:
        """Returns the line that reports an error inside a stream."""
        return _event("error", status=refusal.status, **self.refusal(refusal)["error"])


def _event(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, **fields}, ensure_ascii=False)


if __name__ == "__main__":
    with Upstream(UpstreamFormat(), port=int(sys.argv[1]) if len(sys.argv) > 1 else 8081) as server:
        sys.stdout.write(f"The embedded upstream listens on {server.url}; Ctrl-C ends it.\n")
        sys.stdout.flush()
        threading.Event().wait()

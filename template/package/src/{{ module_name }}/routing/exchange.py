"""One request and its answer: what is known of it, its log line, and the marks on its answer. Template's file: do not edit."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from .asgi import Header, Message, Send
from .headers import marked

log = logging.getLogger(__package__)

Route = Literal["host", "litellm", "fallback"]


@dataclass(slots=True)
class Exchange:
    """What is noted of a request. Nothing here is a header, a body or a query."""

    rid: bytes
    method: str
    path: str
    model: str = ""
    route: Route = "host"
    reason: str = "path"
    host_status: int = 0
    litellm_status: int = 0
    status: int = 0
    outcome: str = "answered"
    sent_bytes: int = 0
    received_bytes: int = 0
    began: float = field(default_factory=time.perf_counter)
    first_byte: float | None = None

    def goes(self, route: Route, reason: str) -> None:
        """Notes which way the request takes."""
        self.route = route
        self.reason = reason

    @property
    def mark(self) -> str:
        """What `x-litellm-route` says."""
        return f"{self.route}; reason={self.reason}"

    def write_log(self) -> None:
        """Writes the line of this request, as JSON."""
        level = logging.INFO if self.outcome == "answered" else logging.WARNING
        if not log.isEnabledFor(level):
            return
        now = time.perf_counter()
        line = {
            "request_id": self.rid.decode(),
            "method": self.method,
            "path": self.path,
            "model": self.model,
            "route": self.route,
            "reason": self.reason,
            "status": self.status,
            "host_status": self.host_status or None,
            "litellm_status": self.litellm_status or None,
            "outcome": self.outcome,
            "first_byte_ms": None if self.first_byte is None else round((self.first_byte - self.began) * 1000, 1),
            "total_ms": round((now - self.began) * 1000, 1),
            "request_bytes": self.received_bytes,
            "answer_bytes": self.sent_bytes,
        }
        text = msgspec.json.encode(line).decode()
        # Not by `log.info`, which would look for its caller: that takes longer than the rest of the line.
        log.handle(log.makeRecord(log.name, level, __file__, 0, "%s", (text,), None))


class Outgoing:
    """The server's `send`, with the marks on what goes out.

    Args:
        send: the server's.
        exchange: what it belongs to.
    """

    def __init__(self, send: Send, exchange: Exchange) -> None:
        self._send = send
        self._exchange = exchange
        self.started = False

    async def __call__(self, message: Message) -> None:
        """Sends a message on."""
        kind = message["type"]
        exchange = self._exchange
        if kind == "http.response.body":
            exchange.sent_bytes += len(message.get("body", b""))
        elif kind == "http.response.start":
            self.started = True
            exchange.status = message["status"]
            exchange.first_byte = time.perf_counter()
            headers: list[Header] = list(message.get("headers", ()))
            message = {**message, "headers": marked(headers, exchange.rid, exchange.mark)}
        await self._send(message)

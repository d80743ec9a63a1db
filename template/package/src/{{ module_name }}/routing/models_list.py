"""The list of models: the host's, and after it what LiteLLM serves under a name of the configuration. Template's file: do not edit."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable
from typing import Any, Final

from .asgi import Header, Message, Send, header
from .config import RoutingConfig, Timeouts
from .forward import Forwarder, UpstreamError
from .model_name import BombError, UnreadableError, decoded

_SECONDS: Final = 2.0
_KEPT_SECONDS: Final = 30.0
_LARGEST: Final = 8 << 20


class LiteLLMModels:
    """The names that LiteLLM lists, asked for once in a while."""

    def __init__(self, forwarder: Forwarder) -> None:
        self._forwarder = forwarder
        self._found: tuple[str, str, float, list[str]] | None = None
        self._lock = asyncio.Lock()

    async def names(self, config: RoutingConfig) -> list[str] | None:
        """Returns the names, or None where LiteLLM does not say them within two seconds."""
        async with self._lock:
            found = self._found
            if found and found[:2] == (config.base_url, config.api_key) and found[2] > time.monotonic():
                return found[3]
            names = await self._ask(config)
            if names is not None:
                self._found = (config.base_url, config.api_key, time.monotonic() + _KEPT_SECONDS, names)
            return names

    async def _ask(self, config: RoutingConfig) -> list[str] | None:
        headers: list[Header] = [(b"accept", b"application/json")]
        if config.api_key:
            headers.append((b"authorization", b"Bearer " + config.api_key.encode()))
        try:
            async with asyncio.timeout(_SECONDS):
                answer = await self._forwarder.open("GET", f"{config.base_url}/v1/models", headers, b"", Timeouts())
                try:
                    body = await answer.content.read(_LARGEST) if answer.status == 200 else b""
                    while not answer.content.at_eof() and len(body) < _LARGEST:
                        body += await answer.content.readany()
                finally:
                    answer.close()
            return [one["id"] for one in json.loads(body)["data"] if isinstance(one["id"], str)]
        except (UpstreamError, OSError, TimeoutError, ValueError, KeyError, TypeError):
            return None
        except Exception as error:  # aiohttp's own, of a body that breaks off
            if type(error).__module__.partition(".")[0] == "aiohttp":
                return None
            raise


def routed_names(config: RoutingConfig, at_litellm: Iterable[str]) -> list[str]:
    """Returns the names that clients can ask this gateway for besides the host's: listed ones, and mappings."""
    shown = {name.lower() for name in config.shown}
    return [*config.shown, *(name for name in at_litellm if config.lists(name) and name.lower() not in shown)]


def merged(body: bytes, headers: list[Header], names: list[str]) -> bytes | None:
    """Returns the host's list with more names at its end, in its own form; None where that form is none of three.

    Args:
        body: of the host's answer.
        headers: of it; the result is not encoded.
        names: what to add, less what is there.
    """
    encoding = header(headers, b"content-encoding").decode("latin-1")
    try:
        plain = decoded(body, encoding, _LARGEST) if encoding not in ("", "identity") else body
        found = json.loads(plain)
    except (BombError, UnreadableError, ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    if isinstance(models := found.get("models"), list):
        have = {str(one.get("name", "")).removeprefix("models/").lower() for one in models if isinstance(one, dict)}
        if found.get("nextPageToken"):
            return None
        found["models"] = [*models, *(_gemini(name) for name in names if name.lower() not in have)]
        return json.dumps(found, ensure_ascii=False).encode()
    models = found.get("data")
    if not isinstance(models, list) or found.get("has_more") is True:
        return None
    have = {str(one.get("id", "")).lower() for one in models if isinstance(one, dict)}
    new = [name for name in names if name.lower() not in have]
    anthropic = "has_more" in found or "last_id" in found
    found["data"] = [*models, *(_anthropic(name) if anthropic else _openai(name) for name in new)]
    if anthropic and found["data"]:
        last = found["data"][-1]
        found["last_id"] = last.get("id") if isinstance(last, dict) else None
        if not found.get("first_id") and isinstance(found["data"][0], dict):
            found["first_id"] = found["data"][0].get("id")
    return json.dumps(found, ensure_ascii=False).encode()


def _openai(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "litellm"}


def _anthropic(name: str) -> dict[str, Any]:
    return {"type": "model", "id": name, "display_name": name, "created_at": "1970-01-01T00:00:00Z"}


def _gemini(name: str) -> dict[str, Any]:
    return {
        "name": f"models/{name}",
        "displayName": name,
        "supportedGenerationMethods": ["generateContent", "streamGenerateContent", "countTokens"],
    }


class Collected:
    """A host's answer as a whole, if it is a short one with status 200; another one passes."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.start: Message | None = None
        self.body: list[bytes] = []
        self.status = 0
        self._size = 0
        self._more = False
        self._whole = False

    async def __call__(self, message: Message) -> None:
        """Takes a message of the host."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if self.status == 200:
                self.start = message
                return
        if self.start is None:
            await self._send(message)
            return
        if message["type"] == "http.response.body":
            self.body.append(message.get("body", b""))
            self._size += len(self.body[-1])
            self._more = message.get("more_body", False)
            if self._size > _LARGEST:
                await self.let_go()

    async def let_go(self) -> None:
        """Sends on what there is, as it came."""
        start, self.start = self.start, None
        if start is not None:
            await self._send(start)
            await self._send({"type": "http.response.body", "body": b"".join(self.body), "more_body": self._more})

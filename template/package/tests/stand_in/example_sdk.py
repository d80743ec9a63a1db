"""The imaginary SDK of transformation.py, for the tests. Yours to edit, or to replace by one that plays your SDK.

What it yields comes from the upstream that the tests play, as the real SDK would yield what its own service says.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx


class ApiError(Exception):
    """The service said no."""

    def __init__(
        self, message: str, status: int | None, code: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.retry_after = retry_after


class AsyncClient:
    """Talks to the service; use it as a context manager."""

    def __init__(self, token: str | None, base_url: str | None, headers: Mapping[str, str]) -> None:
        if not base_url:
            raise ApiError("there is no service to ask: give base_url", 400)
        bearer = {"authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.AsyncClient(
            base_url=base_url, headers={**bearer, **headers}, timeout=None, trust_env=False
        )

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._client.aclose()

    async def chat(self, **asked: Any) -> AsyncIterator[dict[str, Any]]:
        """Yields what the model says."""
        try:
            async with self._client.stream("POST", "/chat", json=asked) as response:
                if response.status_code != 200:
                    raise _refused(response, await response.aread())
                if response.headers["content-type"] == "application/json":
                    for event in json.loads(await response.aread())["events"]:
                        yield event
                    return
                async for line in response.aiter_lines():
                    if line.strip():
                        event = json.loads(line)
                        if event["type"] == "error":
                            raise ApiError(event["message"], event.get("status"), event.get("code"))
                        yield event
        except httpx.TransportError as error:
            raise ApiError(f"the connection to the service broke: {type(error).__name__}", 503) from None


def _refused(response: httpx.Response, body: bytes) -> ApiError:
    try:
        error = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        error = {"message": body.decode("utf-8", "replace")}
    seconds = response.headers.get("retry-after", "")
    pause = float(seconds) if seconds.isdigit() else None
    return ApiError(error["message"], response.status_code, error.get("code"), pause)

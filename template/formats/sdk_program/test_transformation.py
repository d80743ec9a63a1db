"""Tests of transformation.py, without network. Yours to edit, along with it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from .package import part, transformation
from .upstream import UpstreamFormat

sdk = part("sdk_events")


def test_events() -> None:
    said: list[dict[str, Any]] = [
        {"type": "thought", "text": "Hm."},
        {"type": "text", "text": "Yes."},
        {"type": "call", "slot": 1, "id": "c1", "name": "weather", "args": '{"ci'},
        {"type": "usage", "in": 9, "out": 3},
        {"type": "end", "reason": "length"},
    ]
    assert [event for one in said for event in transformation._events(one)] == [
        sdk.Reasoning("Hm."),
        sdk.Text("Yes."),
        sdk.ToolCall('{"ci', 1, "c1", "weather"),
        sdk.Usage(9, 3),
        sdk.Finish("length"),
    ]
    assert transformation._events({"type": "invented"}) == []


def test_error_that_it_prints() -> None:
    with pytest.raises(sdk.SdkError) as caught:
        transformation._events({"type": "error", "message": "no", "status": 429, "code": "busy", "retry_after": 2})
    assert (str(caught.value), caught.value.status, caught.value.retry_after) == ("no", 429, 2)


def test_error_of_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in UpstreamFormat.environment.items():
        monkeypatch.setenv(name, value)
    call: Any = sdk.Call("m", [], {}, False, None, {}, None, None, "r1", "")

    async def first() -> Any:
        return await anext(transformation.ChatConfig().events(call))

    with pytest.raises(sdk.SdkError) as caught:
        asyncio.run(first())
    assert str(caught.value).endswith("ended with status 2: EXAMPLE_BASE_URL is not set: there is no service to ask")

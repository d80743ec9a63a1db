"""The two dialects of streams. Yours to edit."""

from __future__ import annotations

from typing import Any

import pytest

from .package import sse, transformation

CONFIG = transformation.ChatConfig()


def said(line: str) -> Any:
    return CONFIG.get_model_response_iterator(iter(()), sync_stream=True).event_parser(sse.Event(line.encode()))


@pytest.mark.parametrize("line", ['0:"Hel"', 'data: {"type": "text", "value": "Hel"}'])
def test_text_in_both_dialects(line: str) -> None:
    assert said(line).choices[0].delta.content == "Hel"


@pytest.mark.parametrize("line", ['3:"out of memory"', 'data: {"type": "error", "value": "out of memory"}'])
def test_errors_in_both_dialects(line: str) -> None:
    with pytest.raises(Exception, match="out of memory"):
        said(line)


def test_kinds_to_come_are_nothing() -> None:
    assert said('8:[{"any": 1}]') is None

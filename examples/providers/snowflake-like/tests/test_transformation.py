"""The translation to the platform's endpoint. Yours to edit."""

from __future__ import annotations

from typing import Any

from .package import transformation

CONFIG = transformation.ChatConfig()


def test_a_result_has_the_name_of_its_tool() -> None:
    call = {"id": "c", "function": {"name": "weather", "arguments": "{}"}}
    messages: list[Any] = [
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "sunny"},
    ]
    told = CONFIG.transform_request("m", messages, {}, {}, {})["messages"]
    assert told[1]["content_list"][0]["tool_results"]["name"] == "weather"


def test_the_event_with_figures_is_the_last() -> None:
    parser = CONFIG.get_model_response_iterator(iter(()), sync_stream=True)
    parser.chunk_parser({"choices": [{"delta": {"content": "Hel"}}], "usage": {}})
    assert not parser.finished
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    parser.chunk_parser({"choices": [{"delta": {}}], "usage": usage})
    assert parser.finished

"""The model that LangChain's suite talks to does what is asked for, and refuses what no model could make sense of.

The suite itself is run by `make test-langchain`.
"""

from __future__ import annotations

import base64
import json
from types import SimpleNamespace
from typing import Any

import pytest

from testing.answers import choices, questions
from testing.langchain_suite.expected import FAILURES
from testing.langchain_suite.script import FILE, Script

CALL = {"id": "c1", "function": {"name": "add", "arguments": "{}"}}
ASSISTANT = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "3"}
ADD = {"function": {"name": "add", "parameters": {"properties": {"a": {"type": "integer"}}, "type": "object"}}}
OTHER = {"function": {"name": "other", "parameters": {"type": "object"}}}


def user(text: str) -> dict[str, Any]:
    """Returns what a user says."""
    return {"role": "user", "content": text}


def said(*messages: dict[str, Any], body: object = None, **more: Any) -> Any:
    """Returns what the script says to a request."""

    def record(kind: str) -> Any:
        return lambda *args, **fields: SimpleNamespace(kind=kind, args=[*args], **fields)

    server = SimpleNamespace(Reply=record("reply"), Refusal=record("refusal"), ToolCall=record("call"))
    upstream = SimpleNamespace(requests=[SimpleNamespace(body=body)])
    return Script(server, upstream)({"messages": list(messages), **more})


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "system", "content": "x"}],
        [user("x"), RESULT],
        [user("x"), ASSISTANT],
        [user("x"), ASSISTANT, user("y")],
        [user("x"), ASSISTANT, {**RESULT, "tool_call_id": "c2"}],
    ],
)
def test_a_conversation_that_no_api_takes(messages: list[dict[str, Any]]) -> None:
    assert said(*messages).kind == "refusal"


def test_a_conversation_that_goes_on() -> None:
    assert said(user("x"), ASSISTANT, RESULT, user("What is the value?")).kind == "reply"


@pytest.mark.parametrize(
    ("more", "called"),
    [
        ({"tools": [ADD, OTHER]}, "add"),
        ({"tools": [ADD, OTHER], "tool_choice": "required"}, "other"),
        ({"tools": [OTHER, ADD], "tool_choice": {"function": {"name": "add"}}}, "add"),
        ({"tools": [ADD], "tool_choice": "none"}, None),
        ({}, None),
    ],
)
def test_the_tool_that_is_called(more: dict[str, Any], called: str | None) -> None:
    calls: Any = getattr(said(user("What is add(3)?"), **more), "tool_calls", ())
    assert [call.args[1] for call in calls] == ([called] if called else [])
    if called == "add":
        assert json.loads("".join(calls[0].args[2])) == {"a": 3}


def test_the_form_of_the_answer() -> None:
    schema = {"type": "object", "properties": {"setup": {"type": "string"}}}
    form = {"type": "json_schema", "json_schema": {"schema": schema}}
    assert json.loads("".join(said(user("A joke"), response_format=form).text)) == {"setup": "a cat"}
    form = {"type": "json_object"}
    assert json.loads("".join(said(user("Keys 'a' and 'b'"), response_format=form).text)) == {
        "a": "the a",
        "b": "the b",
    }
    assert "you" not in "".join(said(user("hi"), stop=["you"]).text)
    assert said(user("hi")).kind == "refusal"


def test_a_file_has_to_come() -> None:
    data = base64.b64encode(FILE).decode()
    prompt = user("Summarize this document:")
    assert said(prompt, body={"parts": [f"data:application/pdf;base64,{data}"]}).kind == "reply"
    assert said(prompt, body={"source": {"data": data}}).kind == "reply"
    assert said(prompt, body={"text": json.dumps([data])}).kind == "refusal"
    assert said(prompt, body={}).kind == "refusal"


def test_a_failure_is_of_one_thing() -> None:
    """Where two were of the same test, one of them would not be looked at."""
    for name in choices(questions()["api_format"]):
        for endpoint in ("chat", "responses"):
            for test in {failure.test for failure in FAILURES}:
                assert len([one for one in FAILURES if one.is_of(test, name, endpoint)]) <= 1

"""Tests of image_transformation.py, without network. Yours to edit, along with it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from litellm.types.utils import ImageResponse

from .package import part

CONFIG = part("image_transformation").ImageConfig()


def answer(content: Any) -> Any:
    logging: Any = None
    response = httpx.Response(200, json=content)
    return CONFIG.transform_image_generation_response("m", response, ImageResponse(), logging, {}, {}, {}, None)


def test_url() -> None:
    assert CONFIG.get_complete_url("https://host/v1", None, "m", {}, {}) == "https://host/v1/pictures"


def test_request() -> None:
    asked = {"n": 2, "quality": "high", "response_format": "url", "size": "1024x1024"}
    params = CONFIG.map_openai_params(asked, {}, "m", False)
    assert CONFIG.transform_image_generation_request("m", "a cat", params, {}, {}) == {
        "model": "m",
        "text": "a cat",
        "count": 2,
        "options": {"dimensions": "1024x1024", "grade": "high"},
        "send": "address",
    }


def test_answer() -> None:
    sent = [{"data": "aGk="}, {"address": "https://host/i.png"}]
    read = answer({"pictures": sent, "text": "a small cat", "tokens": {"in": 9, "out": 3}})
    assert [(image.b64_json, image.url) for image in read.data] == [("aGk=", None), (None, "https://host/i.png")]
    assert read.data[0].revised_prompt == "a small cat"
    assert (read.usage.input_tokens, read.usage.output_tokens, read.usage.total_tokens) == (9, 3, 12)


@pytest.mark.parametrize(
    ("body", "status", "code", "message"),
    [
        ('{"fault": {"kind": "refused", "message": "not this"}}', 400, "content_policy_violation", "not this"),
        ('{"fault": {"kind": "novel", "message": "oh"}}', 500, "novel", "oh"),
        ("<html><title>502 Bad Gateway</title></html>", 502, None, "502 Bad Gateway"),
    ],
)
def test_error(body: str, status: int, code: str | None, message: str) -> None:
    error = CONFIG.get_error_class(body, status, {})
    assert (error.status_code, error.message) == (status, message)
    assert error.body == ({"code": code} if code else None)

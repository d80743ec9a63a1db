"""Tests of image_transformation.py, without network. Yours to edit: add one for each difference that you map."""

from __future__ import annotations

from typing import Any

import httpx
from litellm.types.utils import ImageResponse

from .package import part

CONFIG = part("image_transformation").ImageConfig()


def answer(response: httpx.Response) -> Any:
    logging: Any = None
    return CONFIG.transform_image_generation_response("m", response, ImageResponse(), logging, {}, {}, {}, None)


def test_url() -> None:
    assert CONFIG.get_complete_url("https://host/v1", None, "m", {}, {}) == "https://host/v1/images/generations"


def test_request() -> None:
    params = CONFIG.map_openai_params({"n": 2, "size": "1024x1024"}, {}, "m", False)
    body = CONFIG.transform_image_generation_request("m", "a cat", params, {}, {})
    assert body == {"model": "m", "prompt": "a cat", "n": 2, "size": "1024x1024"}


def test_answer() -> None:
    usage = {"input_tokens": 9, "output_tokens": 3, "total_tokens": 12, "input_tokens_details": {"text_tokens": 9}}
    content = {"created": 1, "data": [{"b64_json": "aGk=", "revised_prompt": "a small cat"}], "usage": usage}
    read = answer(httpx.Response(200, json=content))
    assert (read.data[0].b64_json, read.data[0].revised_prompt) == ("aGk=", "a small cat")
    assert (read.usage.input_tokens_details.text_tokens, read.usage.output_tokens) == (9, 3)


def test_answer_that_is_an_image() -> None:
    read = answer(httpx.Response(200, content=b"\x89PNG\r\n\x1a\n", headers={"content-type": "image/png"}))
    assert (read.data[0].b64_json, read.output_format) == ("iVBORw0KGgo=", "png")


def test_error() -> None:
    error = CONFIG.get_error_class('{"error": {"message": "no", "code": "content_policy_violation"}}', 400, {})
    assert (error.status_code, error.message, error.body) == (400, "no", {"code": "content_policy_violation"})

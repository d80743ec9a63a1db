"""Tests of image_edit_transformation.py, without network. Yours to edit, along with it."""

from __future__ import annotations

from typing import Any

import httpx

from .package import part

CONFIG = part("image_edit_transformation").ImageEditConfig()
IMAGE = part("image_files").ImageFile(b"\x89PNG\r\n\x1a\n", "cat.png")


def test_url() -> None:
    assert CONFIG.get_complete_url("m", "https://host/v1", {}) == "https://host/v1/retouches"


def test_request() -> None:
    params = CONFIG.map_openai_params({"n": 2, "size": "1024x1024", "mask": IMAGE}, "m", False)
    body, files = CONFIG.transform_image_edit_request("m", "a hat", [IMAGE], params, None, {})
    assert body == {
        "model": "m",
        "text": "a hat",
        "pictures": [{"kind": "image/png", "data": IMAGE}],
        "stencil": IMAGE,
        "count": 2,
        "options": {"dimensions": "1024x1024"},
    }
    assert files is None
    assert not CONFIG.use_multipart_form_data()


def test_answer() -> None:
    logging: Any = None
    content = {"pictures": [{"data": "aGk="}], "tokens": {"in": 9, "out": 3}}
    read: Any = CONFIG.transform_image_edit_response("m", httpx.Response(200, json=content), logging)
    assert (read.data[0].b64_json, read.usage.total_tokens) == ("aGk=", 12)


def test_error() -> None:
    error = CONFIG.get_error_class('{"fault": {"kind": "slow_down", "message": "wait"}}', 400, {})
    assert (error.status_code, error.message, error.body) == (400, "wait", {"code": "rate_limit_exceeded"})

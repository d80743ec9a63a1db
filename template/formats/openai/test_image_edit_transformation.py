"""Tests of image_edit_transformation.py, without network. Yours to edit: add one for each difference that you map."""

from __future__ import annotations

from typing import Any

import httpx

from .package import part

CONFIG = part("image_edit_transformation").ImageEditConfig()
IMAGE = part("image_files").ImageFile(b"\x89PNG\r\n\x1a\n", "cat.png")


def test_url() -> None:
    assert CONFIG.get_complete_url("m", "https://host/v1", {}) == "https://host/v1/images/edits"


def test_request() -> None:
    params = CONFIG.map_openai_params({"n": 2, "mask": IMAGE}, "m", False)
    data, files = CONFIG.transform_image_edit_request("m", "a hat", [IMAGE, IMAGE], params, None, {})
    assert data == {"model": "m", "prompt": "a hat", "n": 2}
    assert [name for name, _ in files] == ["image[]", "image[]", "mask"]


def test_answer() -> None:
    logging: Any = None
    response = httpx.Response(200, json={"created": 1, "data": [{"url": "https://host/i.png"}]})
    read: Any = CONFIG.transform_image_edit_response("m", response, logging)
    assert read.data[0].url == "https://host/i.png"


def test_error() -> None:
    error = CONFIG.get_error_class('{"error": {"message": "no", "code": "content_policy_violation"}}', 400, {})
    assert (error.status_code, error.message, error.body) == (400, "no", {"code": "content_policy_violation"})

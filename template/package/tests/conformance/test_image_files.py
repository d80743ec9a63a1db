"""Images on their way to the upstream and back: bodies, what logs have of them, memory. Template's file: do not edit."""

from __future__ import annotations

import asyncio
import io
import json
import random
import tracemalloc
from base64 import b64decode, b64encode
from typing import Any

import httpx
import pytest

from ..package import part

files = part("image_files")


def read(body: Any) -> bytes:
    async def read_async() -> bytes:
        return b"".join([piece async for piece in body])

    whole = b"".join(body)
    assert whole == b"".join(body) == asyncio.run(read_async())  # as often as one likes
    assert len(whole) == body.size
    return whole


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 3 * 64 * 1024 - 1, 3 * 64 * 1024, 500_000])
def test_json_with_images(size: int) -> None:
    content = random.Random(size).randbytes(size)
    image = files.ImageFile(io.BytesIO(content), "x.png", "image/png")
    sent = json.loads(read(files.json_body({"a": [image, {"b": image.data_url}], "text": 'ü " \\ {}'})))
    assert b64decode(sent["a"][0]) == content
    assert sent["a"][1]["b"] == f"data:image/png;base64,{b64encode(content).decode()}"
    assert sent["text"] == 'ü " \\ {}'


def test_form() -> None:
    image = files.ImageFile(b"GIF89a", "x.gif")
    body, kind = files.multipart_body({"n": 2, "on": True, "list": ["a", "b"], "none": None}, [("image[]", image)])
    boundary = kind.removeprefix("multipart/form-data; boundary=")
    text = read(body).decode()
    assert text.endswith(f"\r\n--{boundary}--\r\n")
    assert 'name="n"\r\n\r\n2\r\n' in text
    assert 'name="on"\r\n\r\ntrue\r\n' in text
    assert text.count('name="list"') == 2
    assert "none" not in text
    assert 'name="image[]"; filename="x.gif"\r\nContent-Type: image/gif\r\n\r\nGIF89a\r\n' in text


def test_files_as_litellms_own_transformations_read_them() -> None:
    image = files.ImageFile(b"\x89PNG\r\n\x1a\n and more", "x")
    assert image.read(4) == b"\x89PNG"
    assert (image.seek(0, 2), image.tell(), image.read()) == (image.size, image.size, b"")
    assert image.seek(4) == 4
    assert image.read().endswith(b"more")


def test_logs_have_no_images() -> None:
    image = files.ImageFile(bytes(100), "x", "image/png")
    shown = files.described({"a": [image, image.data_url], "b": "x" * 20_000, "c": b"123", "d": 1})
    assert json.loads(json.dumps(shown)) == shown
    assert shown["a"] == ["<image/png, 100 bytes>", "data:image/png;base64,<image/png, 100 bytes>"]
    assert len(shown["b"]) < 200
    assert shown["c"] == "<3 bytes>"


def test_memory_of_a_body() -> None:
    """A body is made while it is sent, whatever the size of its images."""
    content = bytes(20_000_000)
    image = files.ImageFile(content, "x", "image/png")
    tracemalloc.start(1)
    try:
        for body in (files.json_body({"a": image}), files.multipart_body({}, [("image", image)])[0]):
            assert sum(len(piece) for piece in body) > 20_000_000
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 2_000_000


@pytest.mark.parametrize("wrapped", [False, True])
def test_memory_of_an_answer(wrapped: bool) -> None:
    """An image of 20 MB, as the body or in its JSON: at most three times its size."""
    size = 20_000_000
    tracemalloc.start(1)
    try:
        body = (
            b'{"data": [{"b64_json": "' + b"AAAA" * (size // 3) + b'"}]}'
            if wrapped
            else b"\x89PNG\r\n\x1a\n" + bytes(size)
        )
        response = httpx.Response(200, content=body)
        del body
        tracemalloc.reset_peak()
        image = part("image_format").openai_images(response).data[0]
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(image.b64_json) >= size // 3 * 4
    assert most < 3 * size

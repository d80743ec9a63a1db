"""Edits of images: what images may be given as, the mask, parameters, memory. Template's file: do not edit."""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import litellm
import openai
import pytest

from ..package import answers, part
from .auth.account import Account
from .calls import MODES, Mode
from .conftest import use
from .image_calls import BLUE, BYTES, ID, IMAGE_MODEL, RED, edit, fail, is_image
from .proxy import Proxy
from .server import Pictures, Refusal, Upstream

CONFIG = part("image_edit_transformation").ImageEditConfig()
SUPPORTED = CONFIG.get_supported_openai_params(ID)

VALUES: dict[str, Any] = {
    "background": "transparent",
    "input_fidelity": "high",
    "n": 2,
    "output_compression": 50,
    "output_format": "webp",
    "quality": "high",
    "size": "1024x1536",
    "user": "u-7",
}
"""A value of each parameter that asks for something."""


def in_path(folder: Path) -> Any:
    (folder / "cat.png").write_bytes(RED)
    return folder / "cat.png"


def in_file(folder: Path) -> Any:
    return in_path(folder).open("rb")


def in_pipe(folder: Path, content: bytes = RED) -> Any:
    read, write = os.pipe()
    os.write(write, content)
    os.close(write)
    return os.fdopen(read, "rb")


def read_before(folder: Path) -> Any:
    """A file at its end, as one is that was sent before."""
    file = io.BytesIO(RED)
    file.read()
    return file


GIVEN: dict[str, Callable[[Path], Any]] = {
    "bytes": lambda folder: RED,
    "bytearray": lambda folder: bytearray(RED),
    "BytesIO": lambda folder: io.BytesIO(RED),
    "path": in_path,
    "file": in_file,
    "pipe": in_pipe,
    "tuple": lambda folder: ("cat.png", RED, "image/png"),
    "tuple with a file": lambda folder: ("cat.png", io.BytesIO(RED)),
    "read before": read_before,
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("given", GIVEN)
def test_image_as(given: str, mode: Mode, upstream: Upstream, tmp_path: Path) -> None:
    upstream.will(Pictures((BLUE,)))
    answer = edit(mode, image=GIVEN[given](tmp_path), **BYTES["image_edits"])
    assert upstream.last["image"] == [RED]
    assert upstream.last["prompt"] == "a hat"
    assert is_image(answer.data[0], BLUE)


@pytest.mark.parametrize("mode", MODES)
def test_several_images_and_a_mask(mode: Mode, upstream: Upstream) -> None:
    edit(mode, image=[RED, io.BytesIO(BLUE)], mask=BLUE)
    assert upstream.last["image"] == [RED, BLUE]
    if "mask" in SUPPORTED:
        assert upstream.last["mask"] == BLUE


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", [name for name in VALUES if name in SUPPORTED])
def test_parameter(name: str, mode: Mode, upstream: Upstream) -> None:
    edit(mode, **{name: VALUES[name]})
    assert str(upstream.last[name]) == str(VALUES[name])


@pytest.mark.parametrize(
    ("image", "said"),
    [
        ("/etc/hostname", "the image is str|image 1 is str"),
        (["data:image/png;base64,AAAA"], "image 1 is str"),
        (7, "image 1 is int"),
        ([], "there is no image to edit"),
        (io.StringIO("text"), "open as text"),
        (Path("/nonesuch.png"), "no file"),
        (("cat.png", RED, "image/png\r\nx: y"), "has the type"),
    ],
)
@pytest.mark.parametrize("mode", MODES)
def test_what_is_no_image(mode: Mode, image: Any, said: str, upstream: Upstream) -> None:
    """A string could be the path of a file of a proxy's, and a client's to name."""
    error = fail(mode, "image_edits", image=image)
    assert isinstance(error, litellm.BadRequestError)
    assert any(words in str(error) for words in said.split("|"))
    assert upstream.requests == []


@pytest.mark.parametrize("mode", MODES)
def test_images_that_are_too_large(
    mode: Mode, upstream: Upstream, account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{answers.ENV_PREFIX}_MAX_IMAGE_BYTES", "2000")
    use(account, upstream, monkeypatch)
    edit(mode)
    for image in ([RED, bytes(1990)], bytes(2001), in_pipe(tmp_path, bytes(3000))):
        error = fail(mode, "image_edits", image=image)
        assert isinstance(error, litellm.BadRequestError)
        assert f"{answers.ENV_PREFIX}_MAX_IMAGE_BYTES" in str(error)
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("mode", MODES)
def test_names_and_content_types(mode: Mode, upstream: Upstream) -> None:
    """The kind is told by the first bytes, where nobody says it; a name is only a name."""
    jpeg = b"\xff\xd8\xff\xe0 and so on"
    edit(mode, image=[jpeg, ('..\\a/b"c\r\n.gif', b"GIF89a", "image/x-own"), ("plain.webp", b"?")])
    body = upstream.requests[-1].body
    if isinstance(body, bytes):
        assert b'filename="image.jpg"\r\nContent-Type: image/jpeg\r\n' in body
        assert b'filename="b%22c%0D%0A.gif"\r\nContent-Type: image/x-own\r\n' in body
        assert b'filename="plain.webp"\r\nContent-Type: image/webp\r\n' in body
    assert upstream.last["image"] == [jpeg, b"GIF89a", b"?"]


@pytest.mark.parametrize("mode", MODES)
def test_the_callers_files_stay_open(mode: Mode, upstream: Upstream) -> None:
    file = io.BytesIO(RED)
    edit(mode, image=file)
    upstream.reset()
    edit(mode, image=file)
    assert not file.closed
    assert upstream.last["image"] == [RED]


@pytest.mark.skipif(
    "api_key" in answers.AUTH or "none" in answers.AUTH, reason="declared: nothing renews the credential"
)
@pytest.mark.parametrize("mode", MODES)
def test_images_are_sent_again_with_a_new_token(mode: Mode, upstream: Upstream) -> None:
    upstream.will(Refusal(401, "invalid_token"), Pictures((BLUE,)))
    edit(mode, image=io.BytesIO(RED))
    assert [upstream._asked(request)["image"] for request in upstream.requests] == [[RED], [RED]]


def test_one_file_in_many_calls_at_once(upstream: Upstream) -> None:
    file = io.BytesIO(RED * 5000)

    async def edit_all() -> None:
        await asyncio.gather(*[litellm.aimage_edit(model=IMAGE_MODEL, prompt="a hat", image=file) for _ in range(5)])

    asyncio.run(edit_all())
    assert {len(upstream._asked(request)["image"][0]) for request in upstream.calls} == {len(RED) * 5000}


def test_openai_client_through_a_proxy(proxy: Proxy, upstream: Upstream) -> None:
    sent = {name: VALUES[name] for name in VALUES if name in SUPPORTED}
    images = (BLUE, RED) if "n" in SUPPORTED else (BLUE,)
    mask: dict[str, Any] = {"mask": io.BytesIO(BLUE)} if "mask" in SUPPORTED else {}
    upstream.will(Pictures(images))
    client = openai.OpenAI(base_url=f"{proxy.url}/v1", api_key=proxy.key, max_retries=0)
    given: Any = [("cat.png", RED), ("dog.png", BLUE)]
    answer: Any = client.images.edit(model=ID, prompt="a hat", image=given, **mask, **sent, **BYTES["image_edits"])
    assert all(is_image(image, content) for image, content in zip(answer.data, images, strict=True))
    assert upstream.last["image"] == [RED, BLUE]
    assert {name: str(upstream.last[name]) for name in sent} == {name: str(sent[name]) for name in sent}
    if mask:
        assert upstream.last["mask"] == BLUE
    upstream.will(*[Refusal(429, "rate_limit_exceeded")] * 2)
    with pytest.raises(openai.RateLimitError):
        client.images.edit(model=ID, prompt="a hat", image=RED)

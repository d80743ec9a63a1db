"""Images that callers send, whatever they come as, and the bodies that carry them. Template's file: do not edit.

An image is never read as a whole: bodies are made of it piece by piece while they are sent, as often as they have to be
sent. So an edit takes little more memory than the images that the caller holds.
"""

from __future__ import annotations

import io
import json
import mimetypes
import os
import re
import sys
import uuid
from binascii import b2a_base64
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

import httpx

from ._answers import ENV_PREFIX

_PIECE = 3 * 64 * 1024
"""Bytes that are read at a time: a multiple of three, as base64 makes four characters of three bytes."""

_HEAD = 32
"""Bytes by which the kind of an image is told."""

_SETTING = f"{ENV_PREFIX}_MAX_IMAGE_BYTES"
_UNKNOWN = "application/octet-stream"


class ImageError(ValueError):
    """An image cannot be sent; the message says which, and what to do."""


class ImageFile:
    """One image that the caller sends. It can be read like a file, and any number of times.

    A transformation puts it where the image belongs: into the files of a multipart form, or into a JSON body, where it
    becomes base64 (`data_url` makes a data URL of it).

    Args:
        source: bytes, a file that can be sought, or the path of one.
        name: of the file.
        content_type: told by its first bytes unless given.
    """

    def __init__(self, source: bytes | IO[bytes] | os.PathLike[str], name: str, content_type: str = "") -> None:
        self._source = source
        self._position = 0
        self.name = name
        self.size = _size(source)
        """Bytes of the image."""
        self.content_type = content_type or kind_of(self._beginning()) or mimetypes.guess_type(name)[0] or _UNKNOWN

    def __repr__(self) -> str:
        return f"<{self.content_type}, {self.size} bytes>"

    @property
    def data_url(self) -> Base64:
        """The image as a JSON body has it where an API wants data URLs."""
        return Base64(self, f"data:{self.content_type};base64,")

    def read(self, size: int = -1) -> bytes:
        """Returns the next bytes, all that are left unless a size is given."""
        with _opened(self._source) as file:
            file.seek(self._position)
            read = file.read(size)
        self._position += len(read)
        return read

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Sets where the next reading begins; returns it."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def tell(self) -> int:
        """Returns where the next reading begins."""
        return self._position

    def pieces(self) -> Iterator[bytes]:
        """Yields the image from its beginning, without regard to other readers."""
        with _opened(self._source) as file:
            position = 0
            while True:
                file.seek(position)  # another call may be reading the same file
                if not (piece := file.read(_PIECE)):
                    return
                position += len(piece)
                yield piece

    def _beginning(self) -> bytes:
        with _opened(self._source) as file:
            file.seek(0)
            return file.read(_HEAD)


class Base64:
    """An image in base64, as part of a JSON body.

    Args:
        image: the image.
        before: what comes before it, inside of the same string.
    """

    def __init__(self, image: ImageFile, before: str = "") -> None:
        self._image = image
        self._before = before.encode()
        self.size = len(self._before) + 4 * ((image.size + 2) // 3)
        """Bytes of it in a body."""

    def __repr__(self) -> str:
        return f"{self._before.decode()}{self._image!r}"

    def pieces(self) -> Iterator[bytes]:
        """Yields it as a body has it."""
        if self._before:
            yield self._before
        rest = b""
        for piece in self._image.pieces():
            whole = rest + piece if rest else piece
            end = len(whole) - len(whole) % 3
            rest = whole[end:]
            if end:
                yield b2a_base64(whole[:end] if rest else whole, newline=False)
        if rest:
            yield b2a_base64(rest, newline=False)


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body of pieces, of known length, that can be sent again.

    Args:
        parts: what it is made of, in this order.
    """

    repeatable = True  # auth/authenticator.py asks for it

    def __init__(self, parts: Iterable[bytes | ImageFile | Base64]) -> None:
        self._parts = tuple(parts)
        self.size = sum(len(part) if isinstance(part, bytes) else part.size for part in self._parts)
        """Its Content-Length."""

    def __iter__(self) -> Iterator[bytes]:
        for part in self._parts:
            if isinstance(part, bytes):
                yield part
            else:
                yield from part.pieces()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece


def image_file(given: object, limit: int = sys.maxsize, called: str = "the image") -> ImageFile:
    """Returns an image of the caller's.

    Args:
        given: bytes, an open file, a path, or what OpenAI's client takes: a tuple of name, one of these, and its type.
        limit: bytes that it may have; of a file that cannot be sought, no more is read.
        called: what messages call it.

    Raises:
        ImageError: it is something else. Strings are, too: a client of a proxy could name a file of the proxy's.
    """
    name, content_type = "", ""
    if isinstance(given, tuple) and 2 <= len(given) <= 4:
        name, content_type = str(given[0] or ""), str(given[2] or "") if len(given) > 2 else ""
        given = given[1]
    if isinstance(given, ImageFile):
        return given
    if content_type and not re.fullmatch(r"[\w.+-]+/[\w.+-]+", content_type, re.ASCII):
        raise ImageError(f"{called} has the type {content_type!a}: give one like image/png, or leave it out")
    named = name or (os.fspath(given) if isinstance(given, os.PathLike) else getattr(given, "name", None))
    plain = re.split(r"[/\\]", named)[-1] if isinstance(named, str) else ""
    image = ImageFile(_source(given, limit, called), plain, content_type)
    if image.size > limit:
        raise ImageError(
            f"{called} has more than the {limit} bytes that it may have: send a smaller one, or set {_SETTING}"
        )
    if not plain:
        image.name = f"image{mimetypes.guess_extension(image.content_type) or ''}"
    return image


def image_files(given: object, limit: int, mask: object = None) -> tuple[list[ImageFile], ImageFile | None]:
    """Returns the images of a call, and its mask.

    Args:
        given: an image or a list of them, each as `image_file` takes it.
        limit: bytes that all of them may have together.
        mask: the same as an image; LiteLLM's proxy makes a list of it.

    Raises:
        ImageError: there is none, one is no image, or they are too large.
    """
    images = [image_file(one, limit, f"image {number}") for number, one in enumerate(_listed(given), start=1)]
    masks = [image_file(one, limit, "the mask") for one in _listed(mask)]
    if not images:
        raise ImageError("there is no image to edit: give one as image")
    if len(masks) > 1:
        raise ImageError(f"there are {len(masks)} masks: give one")
    size = sum(image.size for image in (*images, *masks))
    if size > limit:
        raise ImageError(
            f"the images have {size} bytes together, and may have {limit}: send smaller ones, or fewer, or set {_SETTING}"
        )
    return images, masks[0] if masks else None


def json_body(data: object) -> Body:
    """Returns a JSON body; each `ImageFile` in it becomes base64.

    Args:
        data: anything that is JSON, apart from images.
    """
    images: list[Base64] = []
    mark = uuid.uuid4().hex

    def marked(value: object) -> str:
        if isinstance(value, ImageFile):
            value = Base64(value)
        if not isinstance(value, Base64):
            raise TypeError(f"a {type(value).__name__} is no JSON")
        images.append(value)
        return f"{mark}{len(images) - 1}."

    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=marked)
    pieces = re.split(f"{mark}(\\d+)[.]", text)
    return Body(images[int(piece)] if index % 2 else piece.encode() for index, piece in enumerate(pieces))


def multipart_body(data: Mapping[str, object], files: object) -> tuple[Body, str]:
    """Returns the body of a form (RFC 7578), and its content type.

    Args:
        data: the fields that are no files. Lists become several fields of that name, objects JSON.
        files: as httpx takes them: pairs of a name and a file, or a mapping. A file is anything that `image_file` takes.
    """
    boundary = uuid.uuid4().hex
    parts: list[bytes | ImageFile | Base64] = []
    for name, value in data.items():
        for one in value if isinstance(value, list | tuple) else [value]:
            if one is not None:
                head = f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"\r\n\r\n'
                parts.append(f"{head}{_as_text(one)}\r\n".encode())
    pairs: Any = files.items() if isinstance(files, Mapping) else files or ()
    for name, value in pairs:
        image = image_file(value)
        parts.append(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"; filename="{_quoted(image.name)}"\r\n'
            f"Content-Type: {image.content_type}\r\n\r\n".encode()
        )
        parts += [image, b"\r\n"]
    parts.append(f"--{boundary}--\r\n".encode())
    return Body(parts), f"multipart/form-data; boundary={boundary}"


def described(value: Any) -> Any:
    """Returns what a body has, as logs may have it: images by kind and size only, and no endless text."""
    if isinstance(value, Mapping):
        return {name: described(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [described(one) for one in value]
    if isinstance(value, str):
        return value if len(value) <= _LONGEST else f"{value[:_BEGINNING]}... ({len(value)} characters)"
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    return repr(value)


_LONGEST = 10_000
_BEGINNING = 100
"""Characters of a text that logs have whole, and of the beginning of a longer one, which is an image in base64."""


def _listed(given: object) -> list[Any]:
    return [] if given is None else [one for one in given if one is not None] if isinstance(given, list) else [given]


def _source(given: Any, limit: int, called: str) -> bytes | IO[bytes] | os.PathLike[str]:
    """What an image is read from, as often as need be."""
    if isinstance(given, bytes):
        return given
    if isinstance(given, bytearray | memoryview):
        return bytes(given)
    if isinstance(given, os.PathLike):
        if not os.path.isfile(given):
            raise ImageError(f"{called} is the path {os.fspath(given)!r}, which is no file: give the path of one")
        return given
    if not hasattr(given, "read"):
        raise ImageError(
            f"{called} is {type(given).__name__}: give bytes, an open file, a pathlib.Path, or a tuple of name and one of these"
        )
    if getattr(given, "closed", False):
        raise ImageError(f"{called} is a file that is closed: open it again")
    if isinstance(given, io.TextIOBase):
        raise ImageError(f'{called} is a file that is open as text: open it with mode "rb"')
    if hasattr(given, "seek") and getattr(given, "seekable", lambda: True)():
        source: IO[bytes] = given
        return source
    content = given.read(limit + 1) if limit < sys.maxsize else given.read()
    if not isinstance(content, bytes):
        raise ImageError(f'{called} is a file that is open as text: open it with mode "rb"')
    return content


def _size(source: bytes | IO[bytes] | os.PathLike[str]) -> int:
    if isinstance(source, bytes):
        return len(source)
    if isinstance(source, os.PathLike):
        return os.stat(source).st_size
    return source.seek(0, os.SEEK_END)


@contextmanager
def _opened(source: bytes | IO[bytes] | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """The source as a file; one of the caller's is left open."""
    if isinstance(source, bytes):
        yield io.BytesIO(source)  # shares the bytes
    elif isinstance(source, os.PathLike):
        with open(source, "rb") as file:
            yield file
    else:
        yield source


def kind_of(content: bytes) -> str:
    """Returns the content type of an image, by its first bytes; nothing for what is no image of a usual kind."""
    beginning = content[:_HEAD]
    return next((kind for kind, pattern in _BEGINNINGS.items() if pattern.match(beginning)), "")


_BEGINNINGS: Mapping[str, re.Pattern[bytes]] = {
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "image/gif": re.compile(rb"GIF8[79]a"),
    "image/avif": re.compile(rb"....ftypavi[fs]", re.DOTALL),
    "image/heic": re.compile(rb"....ftyp(heic|heix|hevc|mif1)", re.DOTALL),
    "image/tiff": re.compile(rb"II\*\x00|MM\x00\*"),
    "image/bmp": re.compile(rb"BM....\x00\x00\x00\x00", re.DOTALL),
}


def _quoted(name: str) -> str:
    """A name as HTML's forms have it, and browsers send it."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _as_text(value: object) -> str:
    """A field's value as forms have it."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)

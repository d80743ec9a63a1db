"""Reading the model out of a body, and writing another one into it. Template's file: do not edit."""

from __future__ import annotations

import json
import re
import zlib
from dataclasses import dataclass
from typing import Any, Final

import msgspec

_FORM_HEAD: Final = 64 << 10
"""How far into a form the part `model` is looked for."""


class _Body(msgspec.Struct):
    """All that is read of a body: the rest is skipped, not built."""

    model: msgspec.Raw = msgspec.Raw()


_SPACE: Final = re.compile(r"[ \t\n\r]*")
_BODY: Final = msgspec.json.Decoder(_Body)
_FIELDS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TEXT: Final = msgspec.json.Decoder(str)


class BombError(ValueError):
    """A compressed body that would take more memory than the limit."""


class UnreadableError(ValueError):
    """A compressed body that cannot be decoded: of an unknown encoding, or corrupt."""


def model_of_json(body: bytes) -> str:
    """Returns the `model` of a JSON object, the last one if there are several; nothing where it is no text or no JSON."""
    try:
        raw = _BODY.decode(body).model
        return _TEXT.decode(raw) if bytes(memoryview(raw)[:1]) == b'"' else ""
    except msgspec.DecodeError:
        # A byte order mark, NaN and lone surrogates are no JSON to msgspec; LiteLLM's clients send them.
        found = _lenient(body)
        model = found.get("model") if isinstance(found, dict) else None
        return model if isinstance(model, str) else ""
    except RecursionError:
        return ""


def with_model(body: bytes, model: str) -> bytes:
    """Returns a JSON object with another `model`; all other values stay as they were written."""
    try:
        fields = _FIELDS.decode(body)
        fields["model"] = msgspec.Raw(msgspec.json.encode(model))
        return msgspec.json.encode(fields)
    except (msgspec.DecodeError, RecursionError):
        return _spliced(body, model)


def _spliced(body: bytes, model: str) -> bytes:
    """Does the same with what is JSON to Python only: the name is cut out, and all else is left as it is."""
    decoder = json.JSONDecoder()
    space: Any = _SPACE
    name = json.dumps(model)
    try:
        text = body.decode(json.detect_encoding(body), "surrogatepass")
        pieces, copied = [], 0
        at = space.match(text, text.index("{") + 1).end()
        while text[at] == '"':
            key, at = decoder.raw_decode(text, at)
            start = space.match(text, text.index(":", at) + 1).end()
            _, at = decoder.raw_decode(text, start)
            if key == "model":
                pieces += [text[copied:start], name]
                copied = at
            at = space.match(text, at).end()
            if text[at] != ",":
                break
            at = space.match(text, at + 1).end()
        return "".join([*pieces, text[copied:]]).encode("utf-8", "surrogatepass")
    except (ValueError, IndexError, RecursionError):
        return body


def _lenient(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def decoded(body: bytes, encoding: str, limit: int) -> bytes:
    """Returns a body without its Content-Encoding.

    Args:
        body: the bytes as sent.
        encoding: the header, with one of zstd, gzip, deflate and br.
        limit: the most bytes that the result may have.

    Raises:
        BombError: the result is larger than the limit; no more than that was decoded.
        UnreadableError: the encoding is another one, or the bytes are not what it says.
    """
    name = encoding.strip().lower()
    try:
        if name in ("gzip", "x-gzip"):
            return _inflated(body, 31, limit)
        if name == "deflate":
            # RFC 9110, section 8.4.1.2: with zlib's wrapper; some send it without.
            return _inflated(body, 15 if _has_wrapper(body) else -15, limit)
        if name == "zstd":
            return _zstd(body, limit)
        if name == "br":
            return _brotli(body, limit)
    except zlib.error:
        raise UnreadableError(f"the body is no {name}") from None
    raise UnreadableError("the encoding is unknown")


def _has_wrapper(body: bytes) -> bool:
    return len(body) > 1 and body[0] & 15 == 8 and (body[0] << 8 | body[1]) % 31 == 0


def _inflated(body: bytes, bits: int, limit: int) -> bytes:
    found = b""
    rest = body
    while True:  # gzip may have several members, one after the other
        inflater = zlib.decompressobj(bits)
        found += inflater.decompress(rest, limit + 1 - len(found))
        if len(found) > limit:
            raise BombError
        if not inflater.eof:
            raise UnreadableError("the body is cut")
        rest = inflater.unused_data
        if bits != 31 or not rest.startswith(b"\x1f\x8b"):
            return found


def _zstd(body: bytes, limit: int) -> bytes:
    import zstandard

    try:
        # RFC 9659: a window of 8 MB is all that a server of HTTP has to support.
        reader = zstandard.ZstdDecompressor(max_window_size=8 << 20).stream_reader(body, read_across_frames=True)
        # It ends without an error where the input is cut: what is left is no JSON then.
        found = bytearray()
        while piece := reader.read(min(1 << 20, limit + 1 - len(found))):
            found += piece
            if len(found) > limit:
                raise BombError
        return bytes(found)
    except zstandard.ZstdError:
        raise UnreadableError("the body is no zstd") from None


def _brotli(body: bytes, limit: int) -> bytes:
    import brotli

    unpacker = brotli.Decompressor()
    found = bytearray()
    try:
        piece = unpacker.process(body, output_buffer_limit=1 << 20)
        while True:
            found += piece
            if len(found) > limit:
                raise BombError
            if unpacker.is_finished():
                return bytes(found)
            if unpacker.can_accept_more_data():
                raise UnreadableError("the body is cut")
            piece = unpacker.process(b"", output_buffer_limit=1 << 20)
    except brotli.error:
        raise UnreadableError("the body is no br") from None


@dataclass(frozen=True, slots=True)
class FormModel:
    """Where a form's `model` is."""

    model: str
    start: int
    end: int
    """The value is `head[start:end]`."""


def model_of_form(head: bytes, content_type: str) -> FormModel | None:
    """Returns the part `model` of the first bytes of a form, or None where it is not (wholly) in them."""
    if not (boundary := _boundary(content_type)):
        return None
    head = head[:_FORM_HEAD]
    delimiter = b"--" + boundary
    position = head.find(delimiter)
    while position >= 0:
        start = position + len(delimiter)
        blank = head.find(b"\r\n\r\n", start)
        following = head.find(b"\r\n" + delimiter, start)
        if blank < 0 or following < 0:
            return None
        if blank < following and _PART_NAME.search(head[start:blank]):
            value = head[blank + 4 : following]
            return FormModel(value.decode("utf-8", "replace"), blank + 4, following)
        position = following + 2
    return None


def form_is_read(head: bytes) -> bool:
    """Returns whether no more of a form is looked at for its model."""
    return len(head) >= _FORM_HEAD


_PART_NAME: Final = re.compile(rb'(?i)content-disposition:[^\r\n]*;\s*name="?model"?\s*(?:;|\r|\Z)')


def _boundary(content_type: str) -> bytes:
    found = re.search(r'(?i);\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))', content_type)
    return (found[1] or found[2]).encode("latin-1") if found else b""

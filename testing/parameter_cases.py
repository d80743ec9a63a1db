"""What docs/parameters.md is about: each parameter of OpenAI's API, and a call that sends it. Read by the program that calls.

It runs where LiteLLM is installed, with the standard library beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Case:
    """A row of a table.

    Args:
        sent: what the client sent, in words.
        arguments: those of the call, beside the model.
        looked_at: the key of the upstream's request of which the cell has the value; `header:` before the name of a header.
        clients: whether OpenAI's client can send it, too; LiteLLM's function takes whatever it is given.
    """

    sent: str
    arguments: Mapping[str, Any]
    looked_at: str
    clients: bool = True


PNG = b"\x89PNG\r\n\x1a\n"


def _images(*cases: tuple[str, object], **more: Any) -> list[Case]:
    """Rows for parameters of images, by name and value."""
    return [Case(f"`{name}`", {"prompt": "a cat", **more, name: value}, name) for name, value in cases]


# The method of OpenAI's client, and its rows.
TABLES: Mapping[str, Sequence[Case]] = {
    "embeddings.create": (
        Case("`input`: a text", {"input": "hello"}, "input"),
        Case("`input`: a list of texts", {"input": ["one", "two"]}, "input"),
        Case("`input`: the tokens of a text", {"input": [15339, 1917]}, "input"),
        Case("`input`: lists of tokens", {"input": [[15339], [1917]]}, "input"),
        Case("`dimensions`", {"input": "hello", "dimensions": 8}, "dimensions"),
        Case("no `encoding_format`", {"input": "hello"}, "encoding_format"),
        Case('`encoding_format="float"`', {"input": "hello", "encoding_format": "float"}, "encoding_format"),
        Case('`encoding_format="base64"`', {"input": "hello", "encoding_format": "base64"}, "encoding_format"),
        Case("`user`", {"input": "hello", "user": "u-7"}, "user"),
        Case("`extra_body`", {"input": "hello", "extra_body": {"truncate": "END"}}, "truncate"),
        Case("`extra_headers`", {"input": "hello", "extra_headers": {"X-Team": "blue"}}, "header:x-team"),
        Case("a name that is not OpenAI's", {"input": "hello", "input_type": "query"}, "input_type", clients=False),
    ),
    "images.generate": (
        Case("`prompt`", {"prompt": "a cat"}, "prompt"),
        *_images(
            ("n", 2),
            ("size", "1024x1536"),
            ("quality", "high"),
            ("style", "natural"),
            ("response_format", "b64_json"),
            ("background", "transparent"),
            ("moderation", "low"),
            ("output_format", "webp"),
            ("output_compression", 50),
            ("user", "u-7"),
            ("stream", True),
        ),
        Case("`extra_body`", {"prompt": "a cat", "extra_body": {"seed": 7}}, "seed"),
        Case("`extra_headers`", {"prompt": "a cat", "extra_headers": {"X-Team": "blue"}}, "header:x-team"),
        Case("a name that is not OpenAI's", {"prompt": "a cat", "steps": 20}, "steps", clients=False),
    ),
    "images.edit": (
        Case("`image`: bytes", {"prompt": "a hat", "image": PNG}, "image"),
        Case("`image`: several", {"prompt": "a hat", "image": [PNG, PNG]}, "image"),
        *_images(
            ("mask", PNG),
            ("n", 2),
            ("size", "1024x1536"),
            ("quality", "high"),
            ("response_format", "b64_json"),
            ("background", "transparent"),
            ("input_fidelity", "high"),
            ("output_format", "webp"),
            ("output_compression", 50),
            ("user", "u-7"),
            image=PNG,
        ),
        Case("`extra_body`", {"prompt": "a hat", "image": PNG, "extra_body": {"seed": 7}}, "seed"),
        Case(
            "`extra_headers`", {"prompt": "a hat", "image": PNG, "extra_headers": {"X-Team": "blue"}}, "header:x-team"
        ),
        Case("a name that is not OpenAI's", {"prompt": "a hat", "image": PNG, "steps": 20}, "steps", clients=False),
    ),
}

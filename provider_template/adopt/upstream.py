"""What a provider talks to: an HTTP API in a format that has a name, or no HTTP API at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from provider_template.adopt.code import Code, Text
from provider_template.adopt.sources import Found

CHAT, RESPONSES, MESSAGES = "chat completions", "Responses", "Messages"

# The format, what texts say in it, and the calls of the SDKs that speak it; the first that fits.
_FORMATS = (
    (CHAT, r"chat/completions", r"\bchat\.completions\.(create|parse|stream)\Z"),
    (
        RESPONSES,
        r"(\A|/)responses/?\Z|\Aresponse\.(created|completed|output_\w+|function_call_\w+)\b",
        r"\bresponses\.(create|parse|stream)\Z",
    ),
    (
        MESSAGES,
        r"/v1/messages/?\Z|\Aanthropic-version\Z|\Acontent_block_(start|delta|stop)\Z",
        r"\bmessages\.(create|stream)\Z",
    ),
)

# What the template translates by itself.
_ANSWERS = {CHAT: "openai", RESPONSES: "responses", MESSAGES: "anthropic"}


def named_format(code: Code) -> tuple[str, str]:
    """Returns the format of the API and where it shows; nothing if it is none of those that have a name."""
    for name, pattern, call_pattern in _FORMATS:
        for text in code.texts:
            # A text with blanks in it is prose.
            if " " not in text.value and re.search(pattern, text.value):
                return name, text.where
        for call in code.calls:
            if re.search(call_pattern, call.name):
                return name, call.where
    return "", ""


def api_format(code: Code) -> Found | None:
    """Returns the answer to the question of that name."""
    name, where = named_format(code)
    if name:
        return Found(_ANSWERS[name], f"{where}, {name}")
    for call in code.calls:
        if call.name.rpartition(".")[2] in ("OpenAI", "AsyncOpenAI"):
            return Found("openai", call.where)
    for text in code.texts:
        # LiteLLM's own provider, which the package has its calls sent by.
        if text.value.startswith("openai/") and any(one.value.startswith("litellm.") for one in code.requests):
            return Found("openai", text.where)
    if code.reads_choices:
        return Found("openai", code.reads_choices)
    return Found("custom", code.requests[0].where) if code.requests else None


def stands_in(code: Code) -> list[Text] | None:
    """Returns what a provider uses in the place of an HTTP API, each once; None if it sends requests, or is none."""
    if code.requests or not code.handlers:
        return None
    first: dict[str, Text] = {}
    for one in code.others:
        first.setdefault(one.value, one)
    return [*first.values()]


def no_http_in_words(code: Code, now: Callable[[str], str] = str) -> str:
    """Returns the sentences that say what a provider uses in the place of an HTTP API; nothing if it has one.

    Args:
        code: The provider's code.
        now: Returns a place in the author's files as it is called now.
    """
    found = stands_in(code)
    if found is None:
        return ""
    handlers = ", ".join(f"`{one.value}`" for one in code.handlers)
    uses = ", ".join(f"it {one.name} `{one.value}` ({now(one.where)})" for one in found)
    seen = f" In its place {uses}." if uses else ""
    return f"No request over HTTP was found in what {handlers} uses.{seen}"


def several_in_words(code: Code) -> str:
    """Returns the sentences about a package with more than one provider; nothing about any other."""
    if len(code.handlers) < 2:
        return ""
    names = ", ".join(f"`{one.value}`" for one in code.handlers)
    return (
        f"{len(code.handlers)} classes that LiteLLM calls were found ({names}), and the template's package is one provider: if they call several APIs, "
        "the answers may be of one and of another. Give those of one with `--data`; the others stay classes of yours, with a name of their own in the "
        "proxy's YAML."
    )


def of_the_format(code: Code, path: str, now: Callable[[str], str] = str) -> Iterator[str]:
    """Yields what there is to know of a translation that the template has, beside OpenAI's chat completions.

    Args:
        code: The provider's code.
        path: The file that the translation goes into.
        now: Returns a place in the author's files as it is called now.
    """
    name, where = named_format(code)
    if name in _POSTS_TO:
        yield (
            f"`ChatConfig` in `{path}` speaks the {name} format ({now(where)}) as it is, and posts to `{{api_base}}{_POSTS_TO[name]}`: "
            f"override what your API does in another way. {_TOLD[name]}"
        )


_POSTS_TO = {RESPONSES: "/responses", MESSAGES: "/messages"}
_TOLD = {
    RESPONSES: "An API that answers with a stream only, or wants `instructions` in any case, is told by attributes of the class.",
    MESSAGES: "Headers `anthropic-beta` that it wants in any case are told by an attribute of the class.",
}

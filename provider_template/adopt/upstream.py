"""What a provider talks to: an HTTP API in a format that has a name, or no HTTP API at all."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile

from provider_template.adopt.auth import token_command
from provider_template.adopt.code import Code, Text
from provider_template.adopt.commands import Command
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
    if stands_in(code) and (kind := sdk_kind(code)):
        return Found("sdk", kind.source)
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


def sdk_kind(code: Code) -> Found | None:
    """Returns whether a program or an SDK gives the answers, if no HTTP API does; None if nothing looks like either."""
    if found := _asking(code):
        return Found("program", f"{found[0].where} starts a program")
    for one in code.others:
        if not one.name.startswith("starts"):
            return Found("python", f"{one.where} {one.name} {one.value}")
    return None


def program(code: Code) -> Found | None:
    """Returns the program that gives the answers, with the words that each of its calls has."""
    lines = [one for one in _asking(code) if one.lasting]
    if not lines:
        return None
    of_one = [one for one in lines if one.lasting[0] == lines[0].lasting[0]]
    places = zip(*(one.lasting for one in of_one), strict=False)
    words = [words[0] for words in takewhile(lambda words: len({*words}) == 1, places)]
    others = len(dict.fromkeys(one.lasting[0] for one in lines))
    where = f"{lines[0].where}; the first of {others} programs" if others > 1 else lines[0].where
    return Found(shlex.join(words), where)


def _asking(code: Code) -> list[Command]:
    """Returns the commands that may be for an answer."""
    token = token_command(code)
    return [one for one in code.commands if one.asks_the_model and (token is None or one.where != token.source)]


@dataclass(frozen=True)
class Requirement:
    """A package that the project says it needs."""

    text: str
    where: str


def sdk_package(code: Code, requirements: Iterable[Requirement]) -> Found | None:
    """Returns what pip installs the SDK by; None unless one requirement alone can be it, for each machine.

    Args:
        code: The provider's code.
        requirements: What the project needs.
    """
    from packaging.requirements import InvalidRequirement
    from packaging.requirements import Requirement as Parsed

    modules = {_letters(one.value): one.where for one in code.others if one.name == "imports"}
    found: dict[str, Found] = {}
    for one in requirements:
        try:
            parsed = Parsed(one.text)
        except InvalidRequirement:
            continue
        name = re.sub(r"[-_.]+", "-", parsed.name).lower()
        module = next((module for module in _modules_of(name) if module in modules), None)
        if module is None or name in found:
            continue
        if parsed.url or parsed.marker:
            return None
        extras = f"[{','.join(sorted(parsed.extras))}]" if parsed.extras else ""
        found[name] = Found(f"{parsed.name}{extras}{parsed.specifier}", f"{one.where}, {modules[module]}")
    return next(iter(found.values())) if len(found) == 1 else None


def _modules_of(distribution: str) -> Iterator[str]:
    """Yields the letters of what a distribution may be imported as."""
    yield _letters(distribution)
    yield _letters(re.sub(r"\Apython-|-(python|py|sdk)\Z", "", distribution))


def _letters(name: str) -> str:
    return re.sub(r"[-_.]", "", name).lower()


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


BY_ITS_URL = (
    "If what is behind it has an HTTP API that you can call, as most SDKs and servers of local models have, the package may be better adopted by its "
    "URL, with nothing to install: `--data api_format=… --data api_base=…`."
)


def no_http_warning(code: Code, api_format: str) -> str:
    """Returns what to know before the answers of a provider are corrected in which no request over HTTP was found; nothing of any other."""
    said = no_http_in_words(code)
    if not said:
        return ""
    if api_format == "sdk":
        return (
            f"{said} `api_format` is `sdk`: one function is left to write, `events`, and ADOPTING.md says what of yours goes into it. "
            f"{BY_ITS_URL}"
        )
    return f"{said} {of_another_format(api_format)}"


def of_another_format(api_format: str) -> str:
    """Returns the sentence about an answer that is for an HTTP API, where no request to one was found."""
    return (
        f"`api_format` is `{api_format}`, for an HTTP API: right if you call one in a way that was not seen, or want to from now on; "
        "else adopt with `--data api_format=sdk`."
    )


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

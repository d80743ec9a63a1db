"""A program that imports LiteLLM and nothing of the provider, as those do who use it. Template's file: do not edit.

`User` starts it. It reads lines of JSON: the environment variables to set and a folder to go to, or the name of a probe
and the model to call. It answers each with what was wrong, or with nothing.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

HELLO = [{"role": "user", "content": "hello"}]
ECHO = "You said: hello"
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
_ANSWER = "answer: "
OF_CHATS = ("stream", "astream", "tools")
"""Probes of models for chats alone."""
# LiteLLM's function for each mode of models, and what it is asked.
_SIMPLEST: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "chat": ("completion", {"messages": HELLO}),
    "embedding": ("embedding", {"input": ["hello"]}),
    "image_generation": ("image_generation", {"prompt": "hello"}),
    "image_edit": ("image_edit", {"prompt": "hello", "image": b"\x89PNG\r\n\x1a\n"}),
}


def simplest(model: str, caller: Any = None, prefix: str = "") -> Any:
    """Makes the simplest call that a model takes, by what LiteLLM knows of it, and returns the answer.

    Args:
        model: with the provider's prefix.
        caller: whose function it is: LiteLLM's unless given, as of a router that has the model as `ours`.
        prefix: `a` for the asynchronous function.
    """
    import litellm

    function, arguments = _SIMPLEST[litellm.model_cost[model]["mode"]]
    called = getattr(caller or litellm, f"{prefix}{function}")
    return called(model="ours" if caller else model, **arguments)


def _look_at(answer: Any) -> None:
    """Raises where an answer is not what the stand-in says."""
    if hasattr(answer, "choices"):
        _is(answer.choices[0].message.content, ECHO)
        _is(answer.usage.total_tokens > 0, True)
    else:
        _is(len(answer.data), 1)


def get_llm_provider(model: str) -> None:
    """LiteLLM knows whose model it is, before the first call."""
    import litellm

    provider, name = model.split("/", 1)
    _is(litellm.get_llm_provider(model)[:2], (name, provider))
    if litellm.model_cost[model]["mode"] == "chat":
        _is(bool(litellm.get_supported_openai_params(model)), True)


def prices(model: str) -> None:
    """LiteLLM knows what models.yaml says of it, before the first call."""
    import litellm

    _is(litellm.get_model_info(model)["litellm_provider"], model.split("/")[0])
    _is(litellm.model_cost[model]["mode"] in _SIMPLEST, True)


def completion(model: str) -> None:
    """A call, and the usage in its answer."""
    _look_at(simplest(model))


def acompletion(model: str) -> None:
    """The same, without blocking."""

    async def called() -> Any:
        return await simplest(model, prefix="a")

    _look_at(asyncio.run(called()))


def stream(model: str) -> None:
    """An answer as it comes in."""
    import litellm

    chunks: Any = litellm.completion(model=model, messages=HELLO, stream=True)
    _is("".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices), ECHO)


def astream(model: str) -> None:
    """The same, without blocking."""
    import litellm

    async def collected() -> str:
        chunks: Any = await litellm.acompletion(model=model, messages=HELLO, stream=True)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in chunks if chunk.choices])

    _is(asyncio.run(collected()), ECHO)


def rate_limit(model: str) -> None:
    """An upstream that answers 429."""
    import litellm

    try:
        simplest(model)
    except litellm.RateLimitError as error:
        _is(error.status_code, 429)
    else:
        raise AssertionError("no error came")


def tools(model: str) -> None:
    """A call of a tool."""
    import litellm

    answer: Any = litellm.completion(model=model, messages=HELLO, tools=[TOOL])
    _is(answer.choices[0].finish_reason, "tool_calls")
    (call,) = answer.choices[0].message.tool_calls
    _is(json.loads(call.function.arguments), {"city": "Paris"})


def router(model: str) -> None:
    """A call through LiteLLM's router."""
    import litellm

    deployment = {"model_name": "ours", "litellm_params": {"model": model}}

    async def called() -> Any:
        return await simplest(model, litellm.Router(model_list=[deployment], num_retries=0), "a")

    _look_at(asyncio.run(called()))


def another_map(model: str) -> None:
    """A program that puts a list of its own in the place of `litellm.custom_provider_map`."""
    import litellm
    from litellm.llms.custom_llm import CustomLLM

    litellm.custom_provider_map = [{"provider": "someone-else", "custom_handler": CustomLLM()}]
    completion(model)
    _is(litellm.custom_provider_map[0]["provider"], "someone-else")


PROBES: Mapping[str, Callable[[str], None]] = {
    probe.__name__: probe
    for probe in (
        get_llm_provider,
        prices,
        completion,
        acompletion,
        stream,
        astream,
        rate_limit,
        tools,
        router,
        another_map,
    )
}


def _is(found: object, wanted: object) -> None:
    if found != wanted:
        raise AssertionError(f"{found!r}, not {wanted!r}")


class User:
    """The program in a process of its own. Use it as a context manager."""

    def __init__(self) -> None:
        """Starts it; it imports LiteLLM meanwhile."""
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(Path(__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        # A call that never ends is a failure, too.
        self._limit = threading.Timer(120, self._process.kill)
        self._limit.start()

    def __enter__(self) -> User:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._limit.cancel()
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()

    def set(self, environment: Mapping[str, str | None], folder: Path) -> str:
        """Sets environment variables, or removes them, and the folder; returns what is wrong with LiteLLM's import."""
        return self._ask({"environment": dict(environment), "folder": str(folder)})

    def probe(self, name: str, model: str) -> str:
        """Runs a probe; returns what was wrong, or nothing."""
        return self._ask({"probe": name, "model": model})

    def _ask(self, question: object) -> str:
        assert self._process.stdin
        assert self._process.stdout
        try:
            self._process.stdin.write(f"{json.dumps(question)}\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return "the program has ended"
        for line in self._process.stdout:
            if line.startswith(_ANSWER):
                return str(json.loads(line.removeprefix(_ANSWER)))
        return "the program has ended"


def _answer(work: Callable[[], object]) -> None:
    try:
        work()
        said = ""
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
    sys.stdout.write(f"{_ANSWER}{json.dumps(said)}\n")
    sys.stdout.flush()


def _set(environment: Mapping[str, str | None], folder: str) -> None:
    import litellm

    litellm.suppress_debug_info = True
    os.chdir(folder)
    for name, value in environment.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


def _probe(name: str, model: str) -> None:
    PROBES[name](model)


def main() -> None:
    """Answers standard input until it ends."""
    with suppress(Exception):  # it is said with the first answer
        import litellm  # noqa: F401  # while the other side gets ready
    for line in sys.stdin:
        question = json.loads(line)
        if "folder" in question:
            _answer(partial(_set, question["environment"], question["folder"]))
        else:
            _answer(partial(_probe, question["probe"], question["model"]))


if __name__ == "__main__":
    main()

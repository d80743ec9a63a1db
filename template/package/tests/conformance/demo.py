"""`make demo`: a chat, a streamed chat and a tool call through a real LiteLLM proxy, all on loopback.

Template's file: do not edit. The embedded upstream takes the place of the real one; the proxy runs on
proxy/config.yaml as it is, and the client is OpenAI's SDK.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import openai

from ..package import answers, models
from ..upstream import UpstreamFormat
from .auth.account import open_account
from .calls import WEATHER
from .features import declared
from .proxy import Proxy
from .server import Upstream


def say(text: str, end: str = "\n") -> None:
    """Prints at once, so that a stream is seen as one."""
    sys.stdout.write(text + end)
    sys.stdout.flush()


def main() -> None:
    """Runs the demo; an exception is its only way to fail."""
    model = next(iter(models.load_models()))
    question: list[Any] = [{"role": "user", "content": "How is the weather in Paris?"}]
    with (
        tempfile.TemporaryDirectory() as folder,
        Upstream(UpstreamFormat()) as upstream,
        open_account(Path(folder)) as account,
    ):
        upstream.guard = account.accepts
        say(f"embedded upstream: {upstream.url} (auth: {', else '.join(answers.AUTH)})")
        say("LiteLLM proxy: starting ...", end=" ")
        with Proxy(upstream.url, account.environment, Path(folder)) as proxy:
            say(proxy.url)
            client = openai.OpenAI(base_url=f"{proxy.url}/v1", api_key=proxy.key)
            answer = client.chat.completions.create(model=model, messages=question)
            usage = answer.usage
            say(f"\nchat      > {question[0]['content']}\n          < {answer.choices[0].message.content}")
            if usage:
                say(f"            ({usage.prompt_tokens} tokens in, {usage.completion_tokens} out)")
            say(f"\nstreamed  > {question[0]['content']}\n          < ", end="")
            for chunk in client.chat.completions.create(model=model, messages=question, stream=True):
                if chunk.choices and (piece := chunk.choices[0].delta.content):
                    say(piece, end="|")
            say("")
            if reason := declared().get("tools"):
                say(f"\ntool call left out: {reason}")
                return
            tools: list[Any] = [WEATHER]
            answer = client.chat.completions.create(model=model, messages=question, tools=tools)
            calls: Any = answer.choices[0].message.tool_calls
            called = f"{calls[0].function.name}({json.loads(calls[0].function.arguments)})"
            say(f"\ntool call > {question[0]['content']}\n          < {called}")


if __name__ == "__main__":
    main()

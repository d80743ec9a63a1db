"""`make demo`: calls of each capability through a real LiteLLM proxy, all on loopback.

Template's file: do not edit. The embedded upstream takes the place of the real one; the proxy runs on
proxy/config.yaml as it is, and the client is OpenAI's SDK.
"""

from __future__ import annotations

import json
import sys
import tempfile
from base64 import b64decode
from pathlib import Path
from typing import Any

import openai

from ..package import answers, models
from ..upstream import UpstreamFormat
from .auth.account import open_account
from .calls import WEATHER
from .features import declared
from .proxy import Proxy
from .server import Upstream, png


def say(text: str, end: str = "\n") -> None:
    """Prints at once, so that a stream is seen as one."""
    sys.stdout.write(text + end)
    sys.stdout.flush()


def chat(client: openai.OpenAI, model: str) -> None:
    """A chat, a streamed chat and a tool call."""
    question: list[Any] = [{"role": "user", "content": "How is the weather in Paris?"}]
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


def embeddings(client: openai.OpenAI, model: str) -> None:
    """Vectors of two texts."""
    texts = ["Paris", "the capital of France"]
    answer = client.embeddings.create(model=model, input=texts)
    for text, vector in zip(texts, answer.data, strict=True):
        say(f"\nembedding > {text}\n          < {vector.embedding[:3]} … ({len(vector.embedding)} numbers)")


def images(client: openai.OpenAI, model: str) -> None:
    """An image from a prompt."""
    prompt = "A lighthouse at dusk"
    answer: Any = client.images.generate(model=model, prompt=prompt)
    say(f"\nimage     > {prompt}\n          < {_in_words(answer.data[0])}")


def image_edits(client: openai.OpenAI, model: str) -> None:
    """An image from another one."""
    prompt = "Let it snow"
    answer: Any = client.images.edit(model=model, prompt=prompt, image=("lighthouse.png", png(b"\xff\x80\x00")))
    say(f"\nedit      > {prompt}\n          < {_in_words(answer.data[0])}")


def _in_words(image: Any) -> str:
    return image.url or f"{len(b64decode(image.b64_json))} bytes"


# What is shown of each capability, and the mode of its models.
SHOWN = {
    "chat": (chat, ("chat",)),
    "embeddings": (embeddings, ("embedding",)),
    "images": (images, ("image_generation",)),
    "image_edits": (image_edits, ("image_edit", "image_generation")),
}


def main() -> None:
    """Runs the demo; an exception is its only way to fail."""
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
            for capability, (show, modes) in SHOWN.items():
                if capability not in answers.CAPABILITIES:
                    continue
                served = [name for name, facts in models.load_models().items() if facts.get("mode", "chat") in modes]
                if served:
                    show(client, served[0])
                else:
                    say(f"\n{capability} left out: models.yaml has no model of the mode {' or '.join(modes)}")


if __name__ == "__main__":
    main()

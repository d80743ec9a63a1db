"""Measures calls for embeddings, beside LiteLLM's own `openai/`.

Runs in the environment of the rendered packages: `python -m benchmarks.embeddings <scale>` prints the times of each row as
JSON, in seconds for one call.
"""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks import upstream
from benchmarks.calls import Row, measure
from benchmarks.prepare import ROOT
from benchmarks.rounds import Times

OWN = "provider"
LITELLMS = "litellm openai/"
ANSWERS = {
    "capabilities": "[embeddings]",
    "provider": "bench-embeddings",
    "provider_name": "Bench embeddings",
    "package_name": "litellm-bench-embeddings",
    "module_name": "bench_embeddings",
}
# A model that LiteLLM has a price for, and ours.
_PEER, _MODEL = "openai/text-embedding-3-small", "bench-embeddings/embedding-large"
_LONG = 512
ROWS = (
    Row("one text, sync, 1 at a time", False, False, 1, 10, 60, words=1),
    Row("one text, async, 1 at a time", False, True, 1, 10, 60, words=1),
    Row("one text, sync, 64 at a time", False, False, 64, 1, 20, words=1),
    Row("one text, async, 64 at a time", False, True, 64, 1, 20, words=1),
    Row(f"a list of {_LONG}, sync", False, False, 1, 1, 20, words=_LONG),
    Row(f"a list of {_LONG}, async", False, True, 1, 1, 20, words=_LONG),
)


def run_embeddings(programs: Path, scale: float) -> dict[str, Times]:
    """Returns the times of each row, measured in the environment with those programs.

    Args:
        programs: the environment's folder of programs; it has the package.
        scale: factor of the number of rounds.
    """
    command = [str(programs / "python"), "-m", "benchmarks.embeddings", str(scale)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"The embeddings could not be measured:\n{done.stderr}")
    return {row: Times(**times) for row, times in json.loads(done.stdout).items()}


class Embedding:
    """A call of `litellm.embedding`; its text has a word for each vector that is whole.

    Args:
        name: the contender's.
        model: with the provider's prefix.
        api_base: of the upstream.
        number: of texts.
    """

    def __init__(self, name: str, model: str, api_base: str, number: int) -> None:
        self.name = name
        self._arguments: dict[str, Any] = {
            "model": model,
            "api_base": api_base,
            "api_key": "sk-benchmark",
            "input": [f"The quick brown fox {n} jumps over the dog." for n in range(number)],
        }

    def call(self) -> str:
        """Makes one call."""
        import litellm

        return _words(litellm.embedding(**self._arguments))

    async def acall(self) -> str:
        """Makes one asynchronous call."""
        import litellm

        return _words(await litellm.aembedding(**self._arguments))

    def stream(self) -> str:
        """There is none."""
        raise NotImplementedError

    async def astream(self) -> str:
        """There is none."""
        raise NotImplementedError


def _words(answer: Any) -> str:
    return " ".join("vector" for item in answer.data if len(item["embedding"]) == upstream.VECTOR)


def _main(scale: float) -> None:
    import_module(ANSWERS["module_name"]).register()
    made = {}
    with upstream.running() as address, asyncio.Runner() as runner:
        gc.freeze()  # as in calls.py
        for row in ROWS:
            number = row.words or 1
            contenders = [
                Embedding(OWN, _MODEL, f"{address}/{_MODEL.partition('/')[2]}/{number}", number),
                Embedding(LITELLMS, _PEER, f"{address}/{_PEER.partition('/')[2]}/{number}", number),
            ]
            made[row.name] = measure(row, contenders, max(2, round(row.rounds * scale)), runner).as_json()
    print(json.dumps(made))


if __name__ == "__main__":
    _main(float(sys.argv[1]))

"""Measures calls and streams of other formats, each beside LiteLLM's own provider of that format.

Beside both is the least that a custom provider can do. It translates nothing, as it talks to the same upstream in the form of
chat completions: what it takes is what `litellm.completion` takes for any custom provider.

Runs in the environment of the rendered packages: `python -m benchmarks.formats <scale>` prints the times of each row as
JSON, in seconds for one call or one stream.
"""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

from benchmarks import upstream
from benchmarks.calls import ROWS, measure
from benchmarks.prepare import ROOT
from benchmarks.rounds import Times

OWN = "provider"
LITELLMS = "litellm"
MEASURED = [row for row in ROWS if row.together == 1]
# Format -> LiteLLM's provider of it, and a model that this one has a price for.
PEERS = {"anthropic": ("anthropic", "claude-sonnet-4-5"), "responses": ("openai/responses", "gpt-4o-mini")}
MODEL = "chat-large"


def answers(api_format: str) -> dict[str, str]:
    """Returns the answers of the package that is measured."""
    return {
        "api_format": api_format,
        "provider": f"bench-{api_format}",
        "provider_name": f"Bench {api_format}",
        "package_name": f"litellm-bench-{api_format}",
        "module_name": f"bench_{api_format}",
    }


def run_formats(programs: Path, scale: float) -> dict[str, dict[str, Times]]:
    """Returns the times of each format's rows, measured in the environment with those programs.

    Args:
        programs: the environment's folder of programs; it has the packages of all formats.
        scale: factor of the number of rounds.
    """
    command = [str(programs / "python"), "-m", "benchmarks.formats", str(scale)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"The formats could not be measured:\n{done.stderr}")
    return {
        name: {row: Times(**times) for row, times in rows.items()} for name, rows in json.loads(done.stdout).items()
    }


def _main(scale: float) -> None:
    from benchmarks.contenders import ThroughLiteLLM, minimal

    made = {}
    with upstream.running() as address, asyncio.Runner() as runner:
        for api_format, (peer, model) in PEERS.items():
            names = answers(api_format)
            import_module(names["module_name"]).register()
            contenders = [
                ThroughLiteLLM(OWN, f"{names['provider']}/{MODEL}", f"{address}/{MODEL}"),
                ThroughLiteLLM(LITELLMS, f"{peer}/{model}", f"{address}/{model}"),
                minimal(f"{address}/{MODEL}", f"{names['provider']}/{MODEL}"),
            ]
            gc.freeze()  # as in calls.py
            made[api_format] = {
                row.name: measure(row, contenders, max(2, round(row.rounds * scale)), runner).as_json()
                for row in MEASURED
            }
    print(json.dumps(made))


if __name__ == "__main__":
    _main(float(sys.argv[1]))

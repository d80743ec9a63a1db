"""What reached the upstream of each parameter: a program that calls LiteLLM in this process and through a proxy.

Its one argument is JSON: `url` and `key` of the proxy, `port`, where the upstream is to listen, and of each table for each of
`ways` the model that LiteLLM's function is asked for, and the proxy's name for it. It prints JSON: `found`, with table, row, way and
what arrived, and `versions`.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from importlib.metadata import version
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm
import openai

from testing.parameter_cases import TABLES, Case

litellm.suppress_debug_info = True

# LiteLLM's function for each method of OpenAI's client.
FUNCTIONS = {"embeddings.create": "embedding", "images.generate": "image_generation", "images.edit": "image_edit"}
ABSENT = "–"


def in_process(table: str, case: Case, model: str, **more: Any) -> None:
    """Calls LiteLLM's function."""
    getattr(litellm, FUNCTIONS[table])(model=model, **case.arguments, **more)


def through_the_proxy(client: openai.OpenAI, table: str, case: Case, model: str) -> None:
    """Calls the proxy with OpenAI's client."""
    method: Any = client
    for name in table.split("."):
        method = getattr(method, name)
    method(model=model, **case.arguments)


def arrived(case: Case, upstream: Any) -> str:
    """Returns what the upstream got of the parameter."""
    if not upstream.requests:
        return "nothing was sent"
    request = upstream.requests[-1]
    kind, _, name = case.looked_at.rpartition(":")
    value = (request.headers if kind else upstream.last).get(name)
    return ABSENT if value is None else f"`{json.dumps(value, default=in_words)}`"


def in_words(value: bytes) -> str:
    """Returns what stands for a file."""
    return f"{len(value)} bytes"


def main() -> None:
    """Prints what was found."""
    told = json.loads(sys.argv[1])
    importlib.import_module(told["package"]).register()
    stand_in = importlib.import_module("stand_in.upstream")
    server = importlib.import_module("stand_in.conformance.server")
    client = openai.OpenAI(base_url=f"{told['url']}/v1", api_key=told["key"], max_retries=0)
    found: list[tuple[str, int, str, str]] = []
    with server.Upstream(stand_in.UpstreamFormat(), port=told["port"]) as upstream:
        for table, cases in TABLES.items():
            for row, case in enumerate(cases):
                for way, one in told["ways"][table].items():
                    for where in ("SDK", "proxy"):
                        if where == "proxy" and not case.clients:
                            found.append((table, row, f"{way}, {where}", ABSENT))
                            continue
                        upstream.reset()
                        try:
                            if where == "SDK":
                                in_process(table, case, one["model"], **one["more"])
                            else:
                                through_the_proxy(client, table, case, one["name"])
                            cell = arrived(case, upstream)
                        except openai.APIStatusError as error:
                            cell = f"an error {error.status_code}"
                        found.append((table, row, f"{way}, {where}", cell))
    versions = {name: version(name) for name in ("litellm", "openai")}
    sys.stdout.write(json.dumps({"found": found, "versions": versions}) + "\n")


if __name__ == "__main__":
    main()

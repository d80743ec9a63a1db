"""`make parameter-table`: what of each parameter reaches the upstream, as docs/parameters.md.

A package is rendered and called beside LiteLLM's own `openai/`, in a process and through a proxy; both have the package's
stand-in as their upstream. The rows are in testing/parameter_cases.py.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from testing.answers import ROOT, Answers
from testing.memory import keep_temporary_files_in_memory
from testing.one_proxy import START_PROXY
from testing.parameter_cases import TABLES
from testing.servers import free_port, running
from testing.support import EVERYTHING, Tools, as_installed, copy_template, install_tools, must, render

PAGE = ROOT / "docs" / "parameters.md"
CHECKS = ROOT / "testing" / "parameter_checks.py"
WAYS = ("the package", "`openai/`")
ANSWERS: Answers = {"provider": "one-more", "capabilities": ["embeddings", "images", "image_edits"], "include": []}
# Of each table the mode of the models, and a model of OpenAI's.
MODELS: Mapping[str, tuple[str, str]] = {
    "embeddings.create": ("embedding", "text-embedding-3-small"),
    "images.generate": ("image_generation", "gpt-image-1"),
    "images.edit": ("image_generation", "gpt-image-1"),
}

HEAD = """<!-- Made by `make parameter-table`; do not edit. -->
# What reaches the API

LiteLLM refuses or drops most of OpenAI's parameters for a custom provider, chats excepted. A package finds them all the same. Each cell is what the upstream got
of a parameter, from a package with OpenAI's format as it is rendered and from LiteLLM's own `openai/`, called in a process and through a proxy;
a dash is nothing."""
NOTES: Mapping[str, str] = {
    "embeddings.create": """From Python, the package's calls have `drop_params=True`, without which LiteLLM refuses them before the package
is asked; the deployments of its proxy have it, too. The proxy makes texts of lists of tokens for all providers but a few of LiteLLM's own. OpenAI's client asks for base64 unless it
is told otherwise. The answer is in the form that was asked for, whatever the upstream sends. A name that is not OpenAI's is sent where
`get_supported_openai_params` of the transformation has it, as a deployment's own keys arrive in the same way; what OpenAI's client is given as
`extra_body` are such names for the proxy.""",
    "images.generate": """What LiteLLM's own `openai/` knows of a parameter depends on the model: here it is `gpt-image-1`. The package's transformation
names what the API has; a parameter that it does not name is refused. A stream is refused in any case, as LiteLLM hands on one image as a whole.""",
    "images.edit": """Images come as files of a form, as `image[]` and `mask`, whatever the caller gave: bytes, an open file, a path, or a tuple with
a name.""",
}
LAST = "Last written with "


@dataclass(frozen=True)
class Found:
    """What the calls found."""

    cells: Mapping[tuple[str, int, str], str]
    """By table, row and way."""
    versions: Mapping[str, str]


def look(template: Path, folder: Path, tools: Tools) -> Found:
    """Returns what reaches the upstream.

    Args:
        template: the template.
        folder: an empty one, for the package and the proxy.
        tools: where LiteLLM and OpenAI's client are.
    """
    package = render(template, folder / "package", ANSWERS)
    (source,) = (package / "src").iterdir()
    (folder / "stand_in").symlink_to(package / "tests", target_is_directory=True)
    ports = {name: free_port() for name in ("proxy", "upstream")}
    upstream = f"http://127.0.0.1:{ports['upstream']}/v1"
    content = yaml.safe_load((package / "proxy" / "config.yaml").read_text(encoding="utf-8"))
    served = {entry["model_info"]["mode"]: entry for entry in reversed(content["model_list"])}
    there = {"api_base": upstream, "api_key": "any"}
    for mode, model in dict(MODELS.values()).items():
        theirs = {"model": f"openai/{model}", **there}
        info = served[mode]["model_info"]
        content["model_list"].append({"model_name": model, "litellm_params": theirs, "model_info": info})
    content["router_settings"] = {"disable_cooldowns": True, "num_retries": 0}
    content["general_settings"]["forward_client_headers_to_llm_api"] = True
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump(content), encoding="utf-8")
    key = f"sk-{os.urandom(16).hex()}"
    path = [source.parent, as_installed(package), folder, ROOT]
    settings = {
        "LITELLM_MASTER_KEY": key,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "NO_PROXY": "127.0.0.1",
        "ONE_MORE_API_BASE": upstream,
        "ONE_MORE_API_KEY": "any",
        "PYTHONPATH": os.pathsep.join(map(str, path)),
    }
    ways = {
        table: {
            WAYS[0]: {
                "model": served[mode]["litellm_params"]["model"],
                "name": served[mode]["model_name"],
                "more": {"drop_params": True} if mode == "embedding" else {},
            },
            WAYS[1]: {"model": f"openai/{model}", "name": model, "more": there},
        }
        for table, (mode, model) in MODELS.items()
    }
    told = {
        "url": f"http://127.0.0.1:{ports['proxy']}",
        "key": key,
        "port": ports["upstream"],
        "package": source.name,
        "ways": ways,
    }
    where = ("--host", "127.0.0.1", "--port", str(ports["proxy"]))
    with running(
        tools.python, "-c", START_PROXY, "--config", config, *where, cwd=folder, port=ports["proxy"], **settings
    ):
        printed = must(tools.python, CHECKS, json.dumps(told), cwd=folder, **settings)
    answer = json.loads(printed.splitlines()[-1])
    return Found({(table, row, way): cell for table, row, way, cell in answer["found"]}, answer["versions"])


def page(found: Found) -> str:
    """Returns the text of docs/parameters.md."""
    columns = [f"{way}, {where}" for way in WAYS for where in ("SDK", "proxy")]
    lines = [HEAD]
    for table, cases in TABLES.items():
        lines += [
            "",
            f"## `{table}`",
            "",
            f"| What was sent | {' | '.join(columns)} |",
            f"| ---{' | ---' * len(columns)} |",
        ]
        for row, case in enumerate(cases):
            lines.append(f"| {case.sent} | {' | '.join(found.cells[table, row, column] for column in columns)} |")
        lines += ["", NOTES[table]]
    versions = ", ".join(f"{name} {version}" for name, version in found.versions.items())
    return "\n".join([*lines, "", f"{LAST}{versions}."]) + "\n"


def without_versions(text: str) -> str:
    """Returns the text of the page, but for the line that says what it was made with."""
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(LAST))


def main() -> int:
    """Writes the page."""
    keep_temporary_files_in_memory()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        template = copy_template(folder / "template")
        tools = install_tools(render(template, folder / "everything", EVERYTHING), "main")
        (folder / "table").mkdir()
        PAGE.write_text(page(look(template, folder / "table", tools)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

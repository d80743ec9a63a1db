"""One LiteLLM proxy that serves a package of each format, as they are rendered, for judges that call it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from testing.answers import Answers, choices, questions
from testing.servers import free_port, running
from testing.support import Tools, as_installed, render

START_PROXY = "import gc; gc.set_threshold(100_000); from litellm import run_server; run_server()"


def formats() -> list[str]:
    """Returns the formats that a package may have."""
    return choices(questions()["api_format"])


def answers_of(name: str) -> Answers:
    """Returns the answers for a package of a format: the defaults, and names that the others have not."""
    return {
        "provider_name": f"The {name} one",
        "provider": f"one-{name}",
        "models": f"{name}-model\n{name}-other",
        "api_format": name,
        "include": [],
    }


@contextmanager
def serving(template: Path, folder: Path, tools: Tools) -> Iterator[dict[str, Any]]:
    """Renders a package of each format, and starts a proxy that has them all.

    What calls it opens the upstreams: with the folder on its path, `stand_ins.<format>.upstream` is the package's stand-in.

    Args:
        template: the template.
        folder: an empty one, for the packages and the proxy.
        tools: where LiteLLM is.

    Yields:
        `url` and `key` of the proxy, and for each of `formats` two of its models, `model` and `other`, and the `port` on which
        its upstream has to listen.
    """
    names = formats()
    packages = {name: render(template, folder / name, answers_of(name)) for name in names}
    stand_ins = folder / "stand_ins"
    stand_ins.mkdir()
    for name, package in packages.items():
        (stand_ins / name).symlink_to(package / "tests", target_is_directory=True)
    ports = {name: free_port() for name in [*names, ""]}
    path = [*(package / "src" for package in packages.values()), *map(as_installed, packages.values())]
    path += [stand_in for package in packages.values() if (stand_in := package / "tests" / "stand_in").is_dir()]
    proxy = folder / "proxy"
    proxy.mkdir()
    config = proxy / "config.yaml"
    config.write_text(yaml.safe_dump(_config(packages.values())), encoding="utf-8")
    key = f"sk-{os.urandom(16).hex()}"
    settings = {
        "LITELLM_MASTER_KEY": key,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "NO_PROXY": "127.0.0.1",
        "PYTHONPATH": os.pathsep.join(map(str, path)),
    }
    for name in names:
        settings[f"ONE_{name.upper()}_API_BASE"] = f"http://127.0.0.1:{ports[name]}/v1"
        settings[f"ONE_{name.upper()}_API_KEY"] = f"key-of-{name}"
    where = ("--host", "127.0.0.1", "--port", str(ports[""]))
    with running(tools.python, "-c", START_PROXY, "--config", config, *where, cwd=proxy, port=ports[""], **settings):
        yield {
            "url": f"http://127.0.0.1:{ports['']}",
            "key": key,
            "formats": {
                name: {"port": ports[name], "model": f"{name}-model", "other": f"{name}-other"} for name in names
            },
        }


def _config(packages: Iterable[Path]) -> dict[str, object]:
    """The configuration of one proxy for several packages: what each brings, with less patience.

    A call is tried twice, not thrice, as there is a pause before each try, and no failure makes a deployment unavailable.
    """
    models, providers = [], []
    for package in packages:
        content = yaml.safe_load((package / "proxy" / "config.yaml").read_text(encoding="utf-8"))
        models += content["model_list"]
        providers += content["litellm_settings"]["custom_provider_map"]
    return {
        "model_list": models,
        "litellm_settings": {"custom_provider_map": providers},
        "router_settings": {"disable_cooldowns": True, "num_retries": 1},
        "general_settings": {"master_key": "os.environ/LITELLM_MASTER_KEY"},
    }

"""Two providers from different answers, installed side by side, in one proxy and in one process."""

from __future__ import annotations

import json
import os
from pathlib import Path

from testing.answers import Answers
from testing.servers import free_port, running
from testing.support import UV, Tools, must, render

NORTH: Answers = {"provider_name": "North AI", "provider": "north-ai", "models": "big"}
SOUTH: Answers = {
    "provider_name": 'South "S" AI',
    "provider": "south_ai",
    "models": "org/big:1",
    "api_format": "custom",
    "auth": "none",
    "include": [],
}
CONFIG = """
model_list:
  - {model_name: north, litellm_params: {model: north-ai/big}}
  - {model_name: south, litellm_params: {model: "south_ai/org/big:1"}}
litellm_settings:
  custom_provider_map:
    - {provider: north-ai, custom_handler: litellm_north_ai.provider}
    - {provider: south_ai, custom_handler: litellm_south_ai.provider}
general_settings: {master_key: os.environ/LITELLM_MASTER_KEY}
"""
THROUGH_THE_PROXY = """
import json, sys, openai
client = openai.OpenAI(base_url=sys.argv[1], api_key=sys.argv[2])
said = {}
for model in ("north", "south"):
    messages = [{"role": "user", "content": f"hello {model}"}]
    said[model] = [client.chat.completions.create(model=model, messages=messages).choices[0].message.content]
    chunks = client.chat.completions.create(model=model, messages=messages, stream=True)
    said[model].append("".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices))
print(json.dumps(said))
"""
IN_ONE_PROCESS = """
import json, litellm, litellm_north_ai, litellm_south_ai
litellm_north_ai.register(), litellm_south_ai.register()
models = ("north-ai/big", "south_ai/org/big:1")
ask = lambda model: litellm.completion(model=model, messages=[{"role": "user", "content": f"hello {model}"}])
print(json.dumps([ask(model).choices[0].message.content for model in models]))
"""
START_PROXY = "import gc; gc.set_threshold(100_000); from litellm import run_server; run_server()"


def test_side_by_side(copier_template: Path, tools: Tools, tmp_path: Path) -> None:
    north = render(copier_template, tmp_path / "north", NORTH)
    south = render(copier_template, tmp_path / "south", SOUTH)
    # In a folder beside what both depend on.
    python, site = tools.python, tmp_path / "site"
    must(
        *(UV, "pip", "install", "--quiet", "--no-deps", "--python", python, "--target", site, north, south),
        cwd=tmp_path,
    )
    (tmp_path / "proxy").mkdir()
    config = tmp_path / "proxy" / "config.yaml"
    config.write_text(CONFIG, encoding="utf-8")
    ports = [free_port(), free_port(), free_port()]
    key = f"sk-{os.urandom(16).hex()}"
    settings = {
        "NORTH_AI_API_BASE": f"http://127.0.0.1:{ports[0]}/v1",
        "NORTH_AI_API_KEY": "key-of-the-north",
        "SOUTH_AI_API_BASE": f"http://127.0.0.1:{ports[1]}",
        "LITELLM_MASTER_KEY": key,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "NO_PROXY": "127.0.0.1",
        "PYTHONPATH": str(site),
    }
    proxy = (python, "-c", START_PROXY, "--config", config, "--host", "127.0.0.1", "--port", str(ports[2]))
    with (
        running(python, "-m", "tests.upstream", str(ports[0]), cwd=north, port=ports[0], PYTHONPATH=str(site)),
        running(python, "-m", "tests.upstream", str(ports[1]), cwd=south, port=ports[1], PYTHONPATH=str(site)),
        running(*proxy, cwd=tmp_path, port=ports[2], **settings),
    ):
        url = f"http://127.0.0.1:{ports[2]}/v1"
        said = must(python, "-c", THROUGH_THE_PROXY, url, key, cwd=tmp_path, **settings)
        assert json.loads(said) == {name: [f"You said: hello {name}"] * 2 for name in ("north", "south")}
        own = {name: value for name, value in settings.items() if name.startswith(("NORTH", "SOUTH", "NO_"))}
        done = tools.with_litellm(tmp_path, "-c", IN_ONE_PROCESS, path=(site,), **own)
        assert done.returncode == 0, done.stdout
        models = ("north-ai/big", "south_ai/org/big:1")
        assert json.loads(done.stdout.splitlines()[-1]) == [f"You said: hello {model}" for model in models]

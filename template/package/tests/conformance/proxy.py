"""A real LiteLLM proxy in a process of its own. Template's file: do not edit."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx
import yaml

from ..package import PROXY_CONFIG, answers
from ..upstream import UpstreamFormat

OPEN_BODY, OPEN_HOST, OWN_CA = MORE_DEPLOYMENTS = ("open-body", "open-host", "own-ca")
EMBEDDINGS = "any-embeddings"
"""A deployment for embeddings, if the package has that capability: its YAML may be older than that."""
UNTRUSTED = "untrusted"
"""A deployment whose host has a certificate of a CA that nobody has heard of: it is never healthy."""


def stand_in() -> Mapping[str, str]:
    """Returns the variables by which the provider finds what takes the place of an SDK or a program, if it needs one."""
    found: Mapping[str, str] = getattr(UpstreamFormat, "environment", {})
    return found


class Proxy:
    """The proxy on proxy/config.yaml. Use it as a context manager.

    Args:
        upstream: URL of the upstream, without path.
        environment: what the provider authenticates with.
        folder: where its log goes, and where it runs.
        config: the configuration; the one that comes with the provider unless given.
    """

    def __init__(
        self, upstream: str, environment: Mapping[str, str], folder: Path, config: Path = PROXY_CONFIG
    ) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.key = f"sk-{secrets.token_hex(24)}"  # LiteLLM refuses to start with a well-known one
        self.log = folder / "proxy.log"
        self._folder = folder
        self._command = [
            # Some thousand modules are imported: with less collection of garbage that takes a quarter less time.
            *(
                sys.executable,
                "-c",
                "import gc; gc.set_threshold(100_000); from litellm import run_server; run_server()",
            ),
            *("--config", str(config), "--host", "127.0.0.1", "--port", str(port)),
        ]
        self._environment = {
            **os.environ,
            "LITELLM_MASTER_KEY": self.key,
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            f"{answers.ENV_PREFIX}_API_BASE": f"{upstream}/v1",
            **stand_in(),
            **environment,
            "NO_PROXY": "127.0.0.1",
        }

    def __enter__(self) -> Proxy:
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command, cwd=self._folder, env=self._environment, stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                if httpx.get(f"{self.url}/health/liveliness", timeout=5, trust_env=False).is_success:
                    return self
            except httpx.TransportError:
                time.sleep(0.1)
        self._stop()
        raise RuntimeError(f"The proxy did not start:\n{self.log.read_text(errors='replace')[-4000:]}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    @classmethod
    def without_router(
        cls, upstream: str, environment: Mapping[str, str], folder: Path, secure: str, certificate: Path
    ) -> Proxy:
        """Returns a proxy on proxy/config.yaml that neither tries again nor cools down.

        One test's failures are then not the next one's. It has more deployments: `OPEN_BODY` and `OPEN_HOST`, which let
        clients do what the others do not, and two for the upstream behind TLS, `OWN_CA` and `UNTRUSTED`.

        Args:
            upstream: URL of the upstream, without path.
            environment: what the provider authenticates with.
            folder: where its files go.
            secure: URL of the upstream behind TLS.
            certificate: the file of that one's certificate.
        """
        content = yaml.safe_load(PROXY_CONFIG.read_text(encoding="utf-8"))
        first = content["model_list"][0]["litellm_params"]
        more: list[dict[str, Any]] = [
            {"model_name": OPEN_BODY, "litellm_params": {**first, "extra_body_overrides": ["models"]}},
            {
                "model_name": OPEN_HOST,
                "litellm_params": {
                    **first,
                    "configurable_clientside_auth_params": ["api_base"],
                    "extra_headers": {"X-Of-The-Deployment": "for our host alone"},
                },
            },
            {
                "model_name": OWN_CA,
                "litellm_params": {**first, "api_base": f"{secure}/v1", "ssl_verify": str(certificate)},
            },
            {"model_name": UNTRUSTED, "litellm_params": {**first, "api_base": f"{secure}/v1"}},
        ]
        mode = (content["model_list"][0].get("model_info") or {}).get("mode", "chat")
        content["model_list"] += [{**deployment, "model_info": {"mode": mode}} for deployment in more]
        if "embeddings" in answers.CAPABILITIES:
            params = {"model": f"{answers.PROVIDER}/any-embeddings", "drop_params": True}
            content["model_list"].append(
                {"model_name": EMBEDDINGS, "litellm_params": params, "model_info": {"mode": "embedding"}}
            )
        content["general_settings"]["forward_client_headers_to_llm_api"] = True
        content["router_settings"] = {"disable_cooldowns": True, "num_retries": 0}
        config = folder / "config.yaml"
        config.write_text(yaml.safe_dump(content), encoding="utf-8")
        return cls(upstream, environment, folder, config)

    def _stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

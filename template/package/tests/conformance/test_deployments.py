"""What a proxy on proxy/config.yaml knows of its models. Template's file: do not edit."""

from __future__ import annotations

import httpx
import yaml

from ..package import PROXY_CONFIG, answers, models
from .conftest import KEY
from .features import declared
from .proxy import MORE_DEPLOYMENTS, Proxy
from .server import Upstream


def test_models_and_their_facts(proxy: Proxy) -> None:
    headers = {"Authorization": f"Bearer {proxy.key}"}
    entries = httpx.get(f"{proxy.url}/model/info", headers=headers, trust_env=False).json()["data"]
    known = {entry["model_name"]: entry["model_info"] for entry in entries}
    for model, facts in models.load_models().items():
        assert known[model]["mode"] == facts.get("mode", "chat")
        for fact in ("max_input_tokens", "input_cost_per_token", "supports_function_calling"):
            if fact in facts:
                assert known[model][fact] == facts[fact]
    listed = httpx.get(f"{proxy.url}/v1/models", headers=headers, trust_env=False).json()["data"]
    assert set(models.load_models()) <= {entry["id"] for entry in listed}


def test_health(proxy: Proxy, upstream: Upstream) -> None:
    headers = {"Authorization": f"Bearer {proxy.key}"}
    health = httpx.get(f"{proxy.url}/health", headers=headers, timeout=60, trust_env=False)
    # UNTRUSTED; and its sister behind TLS, where the connection is not the provider's.
    lost = 1 if "http" in declared() else 0
    assert health.json()["unhealthy_count"] == 1 + lost, health.text
    rendered = yaml.safe_load(PROXY_CONFIG.read_text(encoding="utf-8"))["model_list"]
    more = len(MORE_DEPLOYMENTS) + ("embeddings" in answers.CAPABILITIES)
    assert health.json()["healthy_count"] == len(rendered) + more - lost
    assert KEY not in health.text

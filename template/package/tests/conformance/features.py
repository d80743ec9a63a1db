"""What the upstream must be able to do for some tests, and what of it the author says that it cannot. Template's file: do not edit."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from ..package import answers, models, part
from ..upstream import UpstreamFormat

# Each with the ability in models.yaml that is the same fact.
ABILITIES = {
    "images": "supports_vision",
    "json_schema": "supports_response_schema",
    "parallel_tools": "supports_parallel_function_calling",
    "reasoning": "supports_reasoning",
    "system_messages": "supports_system_messages",
    "temperature": "supports_sampling_params",
    "tools": "supports_function_calling",
}
# Each with the parameter that upstream.toml may have a word on, and a value that has to be taken.
PARAMETERS: dict[str, tuple[str, Any]] = {
    "json_object": ("response_format", {"type": "json_object"}),
    "json_schema": ("response_format", {"type": "json_schema"}),
    "max_tokens": ("max_tokens", 1),
    "reasoning_effort": ("reasoning_effort", "low"),
    "temperature": ("temperature", 0.5),
    "tools": ("tools", []),
}
OF_CHATS = {*ABILITIES, *PARAMETERS, "finish_reasons", "server_sent_events"}
OF_IMAGES = {"image_tokens"}
FEATURES = {
    "chat",
    "http",
    "retry_after",
    *(OF_CHATS if "chat" in answers.CAPABILITIES else ()),
    *(OF_IMAGES if {"images", "image_edits"} & set(answers.CAPABILITIES) else ()),
}
UNSUPPORTED = Path(__file__).parents[1] / "unsupported.toml"


@cache
def written() -> dict[str, Any]:
    """Returns what tests/unsupported.toml says: a reason for each feature that the upstream lacks."""
    return tomllib.loads(UNSUPPORTED.read_text(encoding="utf-8"))


@cache
def declared() -> dict[str, str]:
    """Returns the features that the upstream lacks, each with the reason, wherever the author has said so."""
    params = part("params")
    facts = next(iter(models.load_models().values()), {})
    found: dict[str, str] = {}
    for feature, ability in ABILITIES.items():
        if feature in FEATURES and facts.get(ability) is False:
            found[feature] = f"models.yaml says {ability}: false"
    for feature, (name, value) in PARAMETERS.items():
        if feature in FEATURES and params.is_lacking(name, value):
            found[feature] = f"upstream.toml says {name} = {params.says_of(name)!r}"
    if hasattr(UpstreamFormat, "event_bytes"):
        found["server_sent_events"] = "tests/upstream.py has event_bytes"
    if answers.API_FORMAT in ("sdk",):
        found["http"] = "transformation.py has an SDK or a program in the place of an HTTP API"
    if "chat" not in answers.CAPABILITIES:
        found["chat"] = "the package was rendered without it"
    found |= written()
    if "reasoning" in found:
        found.setdefault("reasoning_effort", found["reasoning"])
    if "tools" in found:
        found.setdefault("parallel_tools", found["tools"])
    return found

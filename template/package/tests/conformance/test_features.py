"""What the author says of the upstream: each fact in one place, and none against another. Template's file: do not edit."""

from __future__ import annotations

from typing import Any

import pytest

from ..package import models, part, transformation
from .features import ABILITIES, PARAMETERS, written

params = part("params")


@pytest.fixture
def facts() -> dict[str, Any]:
    """The facts of the first model, which the tests call."""
    return next(iter(models.load_models().values()), {})


@pytest.mark.parametrize("feature", sorted(ABILITIES))
def test_a_feature_stands_once(feature: str, facts: dict[str, Any]) -> None:
    """LiteLLM's callers are told the abilities of models.yaml; what the tests are told must not be something else."""
    ability = ABILITIES[feature]
    if feature in written():
        assert facts.get(ability) is not True, (
            f"tests/unsupported.toml says that there is no {feature}, and models.yaml says {ability}: true to every caller: "
            f"write false there, and take the line out of unsupported.toml."
        )


@pytest.mark.parametrize("feature", sorted(PARAMETERS))
def test_a_parameter_stands_once(feature: str, facts: dict[str, Any]) -> None:
    """What upstream.toml says of a parameter, the other files neither repeat nor deny."""
    name, value = PARAMETERS[feature]
    if params.is_lacking(name, value):
        assert feature not in written(), (
            f"upstream.toml says {name} = {params.says_of(name)!r}, and tests/unsupported.toml says {feature} once more: take the "
            "line out of unsupported.toml."
        )
        ability = ABILITIES.get(feature, "")
        assert facts.get(ability) is not True, (
            f"upstream.toml says {name} = {params.says_of(name)!r}, and models.yaml says {ability}: true to every caller: write "
            "false there, and take the parameter out of upstream.toml."
        )


def test_parameters_of_upstream_toml_are_known() -> None:
    """A name with a mistake in it would say nothing."""
    known = params.known_params(transformation.ChatConfig(), next(iter(models.load_models()), ""))
    unknown = sorted(set(part("upstream").load_upstream().parameters) - known)
    assert not unknown, (
        f"upstream.toml has {unknown} under [parameters], which neither OpenAI has nor get_supported_openai_params of "
        "transformation.py names: look for a mistake in writing."
    )

"""What the author says of the upstream: each fact in one place, and none against another. Template's file: do not edit."""

from __future__ import annotations

import pytest

from ..package import models
from .features import ABILITIES, written


@pytest.mark.parametrize("feature", sorted(ABILITIES))
def test_a_feature_stands_once(feature: str) -> None:
    """LiteLLM's callers are told the abilities of models.yaml; what the tests are told must not be something else."""
    ability = ABILITIES[feature]
    facts = next(iter(models.load_models().values()), {})
    if feature in written():
        assert facts.get(ability) is not True, (
            f"tests/unsupported.toml says that there is no {feature}, and models.yaml says {ability}: true to every caller: "
            f"write false there, and take the line out of unsupported.toml."
        )

"""Writes questions/taken.jinja: the names that LiteLLM would serve itself instead of a custom provider.

Run with the LiteLLM of the lock installed: `python scripts/taken_names.py` writes the file,
`python scripts/taken_names.py --check` exits with 1 when the file is not current.

Sources in LiteLLM: the enum `LlmProviders` (litellm/types/utils.py), the JSON registry
(litellm/llms/openai_like/providers.json), `litellm.provider_list`, the model sets that
`litellm/main.py` compares before it looks at the provider, and what is in litellm/llms.
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from pathlib import Path

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

TARGET = Path(__file__).resolve().parent.parent / "questions" / "taken.jinja"


def taken_providers() -> list[str]:
    """Returns the provider names that LiteLLM routes to code of its own, sorted."""
    import litellm
    from litellm.llms.openai_like.json_loader import JSONProviderRegistry

    enum = {str(member.value) for member in litellm.LlmProviders}
    listed = {str(getattr(name, "value", name)) for name in litellm.provider_list}
    return sorted(enum | listed | set(JSONProviderRegistry.list_providers()))


def taken_models() -> list[str]:
    """Returns the model ids that LiteLLM routes by name, whatever the prefix, sorted."""
    import litellm

    names: set[str] = set()
    for group in (
        "petals_models",
        "snowflake_models",
        "ovhcloud_models",
        "replicate_models",
        "clarifai_models",
    ):
        names |= {str(name) for name in getattr(litellm, group, ())}
    return sorted(names)


def taken_folders() -> list[str]:
    """Returns the folders and modules of litellm/llms, beside which a fork has those of its providers, sorted."""
    import litellm

    found = Path(str(litellm.__file__)).with_name("llms").iterdir()
    return sorted({path.stem for path in found if path.is_dir() or path.suffix == ".py"} - {"__init__", "__pycache__"})


def rendered() -> str:
    """Returns the text of questions/taken.jinja for the installed LiteLLM."""
    lists = {
        "taken_providers": taken_providers(),
        "taken_models": taken_models(),
        "taken_folders": taken_folders(),
    }
    lines = [f"{{#- Made by scripts/taken_names.py from LiteLLM {version('litellm')}; do not edit. -#}}"]
    for name, names in lists.items():
        lines += [f"{{%- set {name} -%}}", *names, "{%- endset -%}", ""]
    return "\n".join(lines)


def main() -> int:
    """Writes the file, or with --check compares it; returns the exit status."""
    text = rendered()
    if "--check" not in sys.argv[1:]:
        TARGET.write_text(text, encoding="utf-8")
        return 0
    if TARGET.is_file() and TARGET.read_text(encoding="utf-8") == text:
        return 0
    print(f"{TARGET.name} is not what LiteLLM {version('litellm')} gives: run `make taken-names` and commit the file.")
    return 1


if __name__ == "__main__":
    sys.exit(main())

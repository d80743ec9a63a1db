"""The first files of a repository for a fleet: `fleet.toml` and a nightly job."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from provider_template.errors import Refusal

_PLACES = {"github": Path(".github") / "workflows" / "fleet.yml", "gitlab": Path(".gitlab-ci.yml")}
_JOBS = Path(__file__).with_name("workflows")


def write(folder: Path, template: str, sources: Sequence[tuple[str, str]], ci: str) -> list[Path]:
    """Writes `fleet.toml` and the job.

    Args:
        folder: where to.
        template: the address of the packages' template.
        sources: where the packages are: kinds of sources with what they name.
        ci: `github`, `gitlab` or `none`.

    Returns:
        The files.

    Raises:
        Refusal: one is there already, or something is not named; nothing was written.
    """
    if not template:
        raise Refusal("Which template? Name it: --template <URL of its repository>.")
    if not sources:
        raise Refusal(
            "Where are the packages? Name it: --github <organisation>, --gitlab <group> or --folder <clones>."
        )
    files = {Path("fleet.toml"): _fleet(template, sources)}
    variable = "GITLAB_TOKEN" if any(kind == "gitlab" for kind, _ in sources) else "GITHUB_TOKEN"
    if ci in _PLACES:
        job = (_JOBS / f"{ci}.yml").read_text(encoding="utf-8")
        files[_PLACES[ci]] = job.replace("TEMPLATE_URL", json.dumps(template)).replace("TOKEN_VARIABLE", variable)
    elif ci != "none":
        raise Refusal(f"--ci {ci} is not known: use github, gitlab or none.")
    there = next((folder / path for path in files if (folder / path).exists()), None)
    if there:
        raise Refusal(f"{there} is there already, and nothing was written: move it away, or edit it.")
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return [folder / path for path in files]


def _fleet(template: str, sources: Sequence[tuple[str, str]]) -> str:
    def table(name: str, key: str, value: str) -> str:
        # What JSON quotes, TOML reads.
        return f"[[{name}]]\n{key} = {json.dumps(value, ensure_ascii=False)}\n"

    parts = [table("template", "url", template), *(table("source", kind, where) for kind, where in sources)]
    parts.append("[policy]\nsecurity_days = 14 # from the release of a fix to a package that has it\n")
    return "\n".join(parts)

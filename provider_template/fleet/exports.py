"""What other tools need to take over: Renovate, multi-gitter, and Copier for new packages."""

from __future__ import annotations

import json
from typing import Any

import yaml

from provider_template.fleet.config import Fleet
from provider_template.fleet.status import Row, Status

FORMATS = ("renovate", "multi-gitter", "answers")


def _with_result(status: Status) -> list[Row]:
    """Returns the packages that a tool is to look after: neither paused nor of another template."""
    return [row for row in status.rows if row.state in ("current", "behind", "edited", "off standard")]


def renovate(status: Status) -> str:
    """Returns the configuration of a self-hosted Renovate that proposes new versions of the template.

    It names the repositories by their paths at the forge; the platform and its token are set in the environment. A package
    takes part once its answer `updates` is `renovate`, which turns Renovate's Copier manager on in its own renovate.json.
    """
    rows = [row for row in _with_result(status) if "/" in row.id and not row.id.startswith("/")]
    paths = sorted({row.id.partition("#")[0].partition("/")[2] for row in rows})
    blocked = sorted({str(version) for one in status.templates for version in one["blocked"]})
    rules: list[dict[str, Any]] = [
        {
            "description": "New versions of the template, which keep the answers that a package has.",
            "matchManagers": ["copier"],
            "groupName": "provider template",
        }
    ]
    if blocked:
        without = "|".join(version.removeprefix("v").replace(".", "\\.") for version in blocked)
        rules.append(
            {
                "description": "Blocked in fleet.toml.",
                "matchManagers": ["copier"],
                "allowedVersions": f"!/^v?({without})$/",
            }
        )
    return _json({"repositories": paths, "onboarding": False, "packageRules": rules})


def multi_gitter(status: Status) -> str:
    """Returns the configuration of multi-gitter that runs `provider-template update` in each repository.

    The update ends with 3 where there are conflicts, and multi-gitter then pushes nothing for that repository.
    """
    rows = [row for row in _with_result(status) if "/" in row.id and not row.id.startswith("/")]
    # It knows repositories, not the folders in them.
    paths = sorted({row.id.partition("/")[2] for row in rows if not row.path})
    content = {
        "branch": "template-update",
        "commit-message": "chore: update from the template",
        "pr-title": "Update from the template",
        "conflict-strategy": "skip",
        "concurrent": 1,
        "repo": paths,
    }
    head = "# multi-gitter run 'provider-template update --defaults' --config <this file>\n"
    return head + yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def answers(fleet: Fleet) -> str:
    """Returns the answers of `[answers.default]` with those that are enforced, as a file for `copier copy --data-file`."""
    return yaml.safe_dump({**fleet.default, **fleet.enforce}, sort_keys=True, allow_unicode=True)


def _json(content: object) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"

"""What a job of CI needs of its forge: commands, requests on GitHub and on GitLab. Template's file: do not edit.

The script beside this file imports it; it has to do with the standard library. GitHub is reached by its command `gh`.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import shlex
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from typing import Any

Environment = dict[str, str] | None


def attempt(*command: str, env: Environment = None, content: str = "") -> subprocess.CompletedProcess[str]:
    """Runs a command that may fail; its words on what failed are the job's."""
    try:
        return subprocess.run(command, env=env, input=content, stdout=subprocess.PIPE, encoding="utf-8", check=False)
    except FileNotFoundError:
        raise SystemExit(f"There is no {command[0]} on this machine.") from None


def run(*command: str, env: Environment = None, content: str = "", hint: str = "") -> str:
    """Runs a command that has to succeed, and returns what it printed."""
    done = attempt(*command, env=env, content=content)
    if done.returncode:
        raise SystemExit(f"`{shlex.join(command)}` ended with {done.returncode}.{hint}")
    return done.stdout


def variable(name: str) -> str:
    """Returns a variable that the forge's CI sets."""
    if value := os.environ.get(name):
        return value
    raise SystemExit(f"{name} is not set: with github or gitlab, this script runs in that forge's CI, which sets it.")


def base_branch() -> str:
    """Returns the branch that the job runs on; where a commit is checked out, as by GitLab's runner, the default one."""
    named = attempt("git", "symbolic-ref", "--quiet", "--short", "HEAD").stdout.strip()
    return named or os.environ.get("CI_DEFAULT_BRANCH") or "main"


def github_environment() -> Environment:
    """Takes GH_TOKEN out of the environment, and returns the one in which git and gh have it: nobody else has a use for it."""
    token = os.environ.pop("GH_TOKEN", None)
    return {**os.environ, "GH_TOKEN": token} if token else None


def open_on_github(branch: str, base: str, title: str, text: str, env: Environment = None) -> None:
    """Opens a pull request, or renews the one that is open for the branch."""
    # Without it, gh opens the request of a fork at the repository that it is a fork of.
    repository = ("--repo", variable("GITHUB_REPOSITORY"))
    fields = ("--json", "url,isCrossRepository")
    opened = json.loads(run("gh", "pr", "list", *repository, "--head", branch, "--state", "open", *fields, env=env))
    # A fork of this one may have a branch of that name, too.
    own = [one["url"] for one in opened if not one["isCrossRepository"]]
    what = ("edit", own[0]) if own else ("create", "--head", branch, "--base", base)
    asked = ("gh", "pr", *what, *repository, "--title", title, "--body-file", "-")
    sys.stdout.write(run(*asked, env=env, content=text))


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: it would carry the token to another address, and make a GET of a POST."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Leaves the redirect as an error."""


@dataclass(frozen=True)
class GitLab:
    """The project on GitLab that the job runs in, with the project's own token for the job."""

    token_name: str
    """The CI variable that has the token."""
    token: str = field(repr=False)

    @classmethod
    def with_token_of(cls, name: str) -> GitLab:
        """Takes the token out of the environment: what runs in the job, such as a build, has no use for it."""
        token = os.environ.pop(name, "").strip()
        if not re.fullmatch("[!-~]*", token):
            raise SystemExit(f"{name} has a character that is in no token, such as a blank: set it anew.")
        return cls(name, token)

    def require_token(self) -> None:
        """Ends the job where the variable is not set."""
        if not self.token:
            raise SystemExit(
                f"{self.token_name} is not set: make it a masked CI variable, with a project access token."
            )

    def environment(self) -> dict[str, str]:
        """Returns the environment in which git reads this GitLab and pushes: the token is in no command and no file."""
        secret = base64.b64encode(f"oauth2:{self.token}".encode()).decode()
        settings = (
            (f"http.{variable('CI_SERVER_URL')}/.extraHeader", f"Authorization: Basic {secret}"),
            ("remote.origin.pushurl", f"{variable('CI_PROJECT_URL')}.git"),
        )
        # Settings that the runner has made in this way stay.
        before = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
        env = {**os.environ, "GIT_CONFIG_COUNT": str(before + len(settings))}
        for number, (key, value) in enumerate(settings, before):
            env |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        return env

    def ask(self, method: str, address: str, content: dict[str, Any] | None = None) -> Any:
        """Sends a request to GitLab's API and returns its answer."""
        request = urllib.request.Request(  # noqa: S310  # the address of GitLab's own variables
            address,
            json.dumps(content).encode() if content else None,
            {"PRIVATE-TOKEN": self.token, "Content-Type": "application/json"},
            method=method,
        )
        try:
            with urllib.request.build_opener(_NoRedirect).open(request, timeout=60) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            hint = f": has {self.token_name} expired, or not the scope api?" if error.code in (401, 403, 404) else "."
            raise SystemExit(f"GitLab refused {method} {address} with status {error.code}{hint}") from None
        except (OSError, http.client.HTTPException) as error:
            raise SystemExit(f"GitLab did not answer {method} {address}: {getattr(error, 'reason', error)}.") from None
        except ValueError:
            raise SystemExit(f"GitLab's answer to {method} {address} is no JSON.") from None

    def open_request(self, branch: str, base: str, title: str, text: str, *, squash: bool | None = None) -> None:
        """Opens a merge request, or renews the one that is open for the branch.

        Args:
            branch: The branch to merge.
            base: The branch to merge it into.
            title: The request's title.
            text: What it says, in Markdown.
            squash: Whether the merge makes one commit of it; None leaves that to the project.
        """
        project = variable("CI_PROJECT_ID")
        url = f"{variable('CI_API_V4_URL')}/projects/{project}/merge_requests"
        query = urllib.parse.urlencode({"source_branch": branch, "state": "opened"})
        opened = self.ask("GET", f"{url}?{query}")
        # A fork of this one may have a branch of that name, too.
        own = [one["iid"] for one in opened if str(one["source_project_id"]) == project]
        content: dict[str, Any] = {"title": title, "description": text, "remove_source_branch": True}
        if squash is not None:
            content["squash"] = squash
        if own:
            done = self.ask("PUT", f"{url}/{own[0]}", content)
        else:
            # Of a project that was forked on GitLab, the target would be the project that it was forked from.
            target = {"source_branch": branch, "target_branch": base, "target_project_id": int(project)}
            done = self.ask("POST", url, {**content, **target})
        sys.stdout.write(f"{done['web_url']}\n")

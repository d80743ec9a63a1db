"""The weekly job: updates the package from its template on a branch and opens a request. Template's file: do not edit.

`python .ci/template_update.py [github | gitlab]` runs in a clean checkout of the default branch, with uv and git. What
the update does becomes the text of the request. Where it would conflict or run code of the template, nothing is
pushed, and the job fails with that text. Without an argument the branch is pushed and no request is opened.

Variables: TEMPLATE_UPDATE_TOKEN, a token that may push and open requests (GitLab); GH_TOKEN, the same for GitHub's gh;
PROVIDER_TEMPLATE, a command to run in the place of uvx with the template's own version of the tool.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

BRANCH = "template-update"
ANSWERS = Path(".copier-answers.yml")
AUTHOR = ("-c", "user.name=Template update", "-c", "user.email=template-update@localhost")


def attempt(*command: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Runs a command that may fail; its words on what failed are the job's."""
    return subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=False)


def run(*command: str, env: dict[str, str] | None = None) -> str:
    """Runs a command that has to succeed, and returns what it printed."""
    done = attempt(*command, env=env)
    if done.returncode:
        raise SystemExit(f"`{shlex.join(command)}` ended with {done.returncode}.")
    return done.stdout


def tool() -> list[str]:
    """Returns the command provider-template, in the version that the package was rendered with."""
    if command := os.environ.get("PROVIDER_TEMPLATE"):
        return shlex.split(command)
    answers = dict(re.findall(r"^(_src_path|_commit): ['\"]?(.*?)['\"]?$", ANSWERS.read_text("utf-8"), re.MULTILINE))
    source = answers["_src_path"].removeprefix("git+")
    for short, host in (("gh:", "https://github.com/"), ("gl:", "https://gitlab.com/")):
        if source.startswith(short):
            source = host + source.removeprefix(short)
    if scp := re.fullmatch(r"([^/@]+@[^/:]+):(?!/)(.+)", source):
        source = f"ssh://{scp[1]}/{scp[2]}"
    if Path(source).is_absolute():
        source = Path(source).as_uri()
    return ["uvx", "--quiet", "--from", f"git+{source}@{answers['_commit']}", "provider-template"]


def preview(command: list[str]) -> tuple[dict[str, Any], str]:
    """Returns what the update would do, as data and as Markdown; ends the job where that cannot be told."""
    found: list[str] = []
    for options in (["--json"], []):
        done = attempt(*command, "preview", *options)
        if done.returncode not in (0, 3):
            raise SystemExit(f"The preview of the update ended with {done.returncode}.")
        found.append(done.stdout)
    return json.loads(found[0]), found[1]


def update(command: list[str], title: str) -> None:
    """Makes the branch and commits the update to it, with the lock that belongs to it."""
    run("git", "checkout", "--quiet", "-B", BRANCH)
    run(*command, "update", "--defaults")
    if Path("uv.lock").is_file():
        run("uv", "lock", "--quiet")
        run("git", "add", "uv.lock")
    run("git", *AUTHOR, "commit", "--quiet", "--no-verify", "--message", title)


def push(env: dict[str, str] | None) -> bool:
    """Pushes the branch; returns False where the forge has it with the same files."""
    there = attempt("git", "ls-remote", "--heads", "origin", BRANCH, env=env).stdout.split()
    if there:
        run("git", "fetch", "--quiet", "origin", f"+refs/heads/{BRANCH}:refs/remotes/origin/{BRANCH}", env=env)
        trees = {run("git", "rev-parse", f"{ref}^{{tree}}", f"{ref}~1") for ref in (BRANCH, f"origin/{BRANCH}")}
        if len(trees) == 1:
            return False
    # The branch is this job's own: what an earlier run has pushed makes place.
    run("git", "push", "--quiet", "--force-with-lease", "origin", BRANCH, env=env)
    return True


def open_on_github(title: str, text: str) -> None:
    """Opens a pull request, or renews the text of the one that is open."""
    opened = attempt("gh", "pr", "list", "--head", BRANCH, "--state", "open", "--json", "url", "--jq", ".[].url")
    if opened.stdout.strip():
        run("gh", "pr", "edit", BRANCH, "--title", title, "--body", text)
    else:
        run("gh", "pr", "create", "--head", BRANCH, "--title", title, "--body", text)


def gitlab_push_environment(token: str) -> dict[str, str]:
    """Returns the environment in which git may push: the token is in no command and no file."""
    secret = base64.b64encode(f"oauth2:{token}".encode()).decode()
    return {
        **os.environ,
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": f"http.{os.environ['CI_SERVER_URL']}/.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {secret}",
        "GIT_CONFIG_KEY_1": "remote.origin.pushurl",
        "GIT_CONFIG_VALUE_1": os.environ["CI_PROJECT_URL"] + ".git",
    }


def open_on_gitlab(title: str, text: str, token: str) -> None:
    """Opens a merge request, or renews the text of the one that is open."""
    url = f"{os.environ['CI_API_V4_URL']}/projects/{os.environ['CI_PROJECT_ID']}/merge_requests"

    def ask(method: str, address: str, content: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(  # noqa: S310  # the address of GitLab's own variables
            address,
            json.dumps(content).encode() if content else None,
            {"PRIVATE-TOKEN": token, "Content-Type": "application/json"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
                return json.load(response)
        except urllib.error.HTTPError as error:
            raise SystemExit(f"GitLab refused {method} {address} with status {error.code}.") from None

    query = urllib.parse.urlencode({"source_branch": BRANCH, "state": "opened"})
    content = {"title": title, "description": text, "remove_source_branch": True}
    if opened := ask("GET", f"{url}?{query}"):
        ask("PUT", f"{url}/{opened[0]['iid']}", content)
    else:
        target = os.environ["CI_DEFAULT_BRANCH"]
        ask("POST", url, {**content, "source_branch": BRANCH, "target_branch": target})


def main(forge: str) -> None:
    """Does all of it; exits with a message where the update needs a person."""
    command = tool()
    plan, text = preview(command)
    sys.stdout.write(text)
    if plan["current"]:
        return
    if plan["conflicts"] or plan["needs_trust"]:
        options = " --trust" if plan["needs_trust"] else ""
        raise SystemExit(f"This update needs a person: run `provider-template update{options}` in a checkout.")
    title = f"chore: update the template to {plan['to']}"
    token = os.environ.get("TEMPLATE_UPDATE_TOKEN", "")
    if forge == "gitlab" and not token:
        raise SystemExit("TEMPLATE_UPDATE_TOKEN is not set: make it a masked CI variable, with a project access token.")
    env = gitlab_push_environment(token) if forge == "gitlab" else None
    update(command, title)
    push(env)
    if forge == "github":
        open_on_github(title, text)
    elif forge == "gitlab":
        open_on_gitlab(title, text, token)


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["github"], ["gitlab"]):
        sys.exit(f"{' '.join(sys.argv[1:])} is no forge that this script knows: write github, gitlab or nothing.")
    main("".join(sys.argv[1:]))

"""The weekly job: updates the package from its template on a branch and opens a request. Template's file: do not edit.

`python .ci/template_update.py [github | gitlab]` runs in a clean checkout of the default branch, with uv and git. What
the update does becomes the text of the request. Where it would conflict or run code of the template, nothing is
pushed, and the job fails with that text. Without an argument the branch is pushed and no request is opened.

Variables: TEMPLATE_UPDATE_TOKEN, a token that may push and open requests (GitLab); GH_TOKEN, the same for GitHub's gh;
PROVIDER_TEMPLATE, a command to run in the place of uvx with the template's own version of the tool.
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
from pathlib import Path
from typing import Any

BRANCH = "template-update"
REF = f"refs/heads/{BRANCH}"
ANSWERS = Path(".copier-answers.yml")
EMAIL = "template-update@localhost"
AUTHOR = ("-c", "user.name=Template update", "-c", f"user.email={EMAIL}")

Environment = dict[str, str] | None


def attempt(*command: str, env: Environment = None, content: str = "") -> subprocess.CompletedProcess[str]:
    """Runs a command that may fail; its words on what failed are the job's."""
    try:
        return subprocess.run(command, env=env, input=content, stdout=subprocess.PIPE, encoding="utf-8", check=False)
    except FileNotFoundError:
        raise SystemExit(f"There is no {command[0]} on this machine.") from None


def run(*command: str, env: Environment = None, content: str = "") -> str:
    """Runs a command that has to succeed, and returns what it printed."""
    done = attempt(*command, env=env, content=content)
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
    if scp := re.fullmatch(r"([^/@]+@[^/:]+):/?(?!/)(.+)", source):
        source = f"ssh://{scp[1]}/{scp[2]}"
    if Path(source).is_absolute():
        source = Path(source).as_uri()
    # A version between two tags ends in its commit, such as v0.3.0-2-g1a2b3c4.
    version = re.sub(r".+-[0-9]+-g(?=[0-9a-f]+$)", "", answers["_commit"])
    return ["uvx", "--quiet", "--from", f"git+{source}@{version}", "provider-template"]


def preview(command: list[str], env: Environment) -> tuple[dict[str, Any], str]:
    """Returns what the update would do, as data and as Markdown; ends the job where that cannot be told."""
    done = attempt(*command, "preview", "--json", env=env)
    if done.returncode not in (0, 3):
        raise SystemExit(f"The preview of the update ended with {done.returncode}.")
    plan: dict[str, Any] = json.loads(done.stdout)
    return plan, f"{plan['text']}\n"


def update(command: list[str], version: str, title: str, env: Environment) -> None:
    """Makes the branch and commits the update to it, with the lock that belongs to it."""
    run("git", "checkout", "--quiet", "-B", BRANCH)
    run(*command, "update", "--defaults", "--to", version, env=env)
    if Path("uv.lock").is_file():
        run("uv", "lock", "--quiet")
        run("git", "add", "uv.lock")
    run("git", *AUTHOR, "commit", "--quiet", "--no-verify", "--message", title)


def push(env: Environment) -> None:
    """Pushes the branch, unless the forge has it with the same files."""
    there = re.search(rf"^(\S+)\t{REF}$", run("git", "ls-remote", "origin", REF, env=env), re.MULTILINE)
    if there:
        run("git", "fetch", "--quiet", "origin", REF, env=env)
        if run("git", "rev-parse", "FETCH_HEAD^{tree}") == run("git", "rev-parse", f"{BRANCH}^{{tree}}"):
            return
        if run("git", "log", "-1", "--format=%ce", "FETCH_HEAD").strip() != EMAIL:
            raise SystemExit(
                f"The branch {BRANCH} has commits that are not this job's: merge the request, or delete the branch."
            )
    # What an earlier run has pushed makes place; what somebody pushes at this moment does not.
    lease = f"--force-with-lease={REF}:{there[1] if there else ''}"
    run("git", "push", "--quiet", lease, "origin", f"{REF}:{REF}", env=env)


def open_on_github(title: str, text: str) -> None:
    """Opens a pull request, or renews the text of the one that is open."""
    fields = ("--json", "url,isCrossRepository")
    opened = json.loads(run("gh", "pr", "list", "--head", BRANCH, "--state", "open", *fields))
    # A fork may have a branch of that name, too.
    own = [one["url"] for one in opened if not one["isCrossRepository"]]
    what = ("edit", own[0]) if own else ("create", "--head", BRANCH)
    sys.stdout.write(run("gh", "pr", *what, "--title", title, "--body-file", "-", content=text))


def take_token() -> str:
    """Takes GitLab's token out of the environment: what runs here, such as a build for the lock, has no use for it."""
    token = os.environ.pop("TEMPLATE_UPDATE_TOKEN", "").strip()
    if not re.fullmatch("[!-~]*", token):
        raise SystemExit("TEMPLATE_UPDATE_TOKEN has a character that is in no token, such as a blank: set it anew.")
    return token


def variable(name: str) -> str:
    """Returns a variable that GitLab's CI sets."""
    if value := os.environ.get(name):
        return value
    raise SystemExit(f"{name} is not set: with gitlab, this script runs in GitLab's CI, which sets it.")


def gitlab_environment(token: str) -> dict[str, str]:
    """Returns the environment in which git reads this GitLab and pushes: the token is in no command and no file."""
    secret = base64.b64encode(f"oauth2:{token}".encode()).decode()
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


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: it would carry the token to another address, and make a GET of a POST."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Leaves the redirect as an error."""


def ask_gitlab(method: str, address: str, token: str, content: dict[str, Any] | None = None) -> Any:
    """Sends a request to GitLab's API and returns its answer."""
    request = urllib.request.Request(  # noqa: S310  # the address of GitLab's own variables
        address,
        json.dumps(content).encode() if content else None,
        {"PRIVATE-TOKEN": token, "Content-Type": "application/json"},
        method=method,
    )
    try:
        with urllib.request.build_opener(NoRedirect).open(request, timeout=60) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        hint = ": has TEMPLATE_UPDATE_TOKEN expired, or not the scope api?" if error.code in (401, 403, 404) else "."
        raise SystemExit(f"GitLab refused {method} {address} with status {error.code}{hint}") from None
    except (OSError, http.client.HTTPException) as error:
        raise SystemExit(f"GitLab did not answer {method} {address}: {getattr(error, 'reason', error)}.") from None
    except ValueError:
        raise SystemExit(f"GitLab's answer to {method} {address} is no JSON.") from None


def open_on_gitlab(title: str, text: str, token: str) -> None:
    """Opens a merge request, or renews the text of the one that is open."""
    project = variable("CI_PROJECT_ID")
    url = f"{variable('CI_API_V4_URL')}/projects/{project}/merge_requests"
    query = urllib.parse.urlencode({"source_branch": BRANCH, "state": "opened"})
    opened = ask_gitlab("GET", f"{url}?{query}", token)
    # A fork may have a branch of that name, too.
    own = [one["iid"] for one in opened if str(one["source_project_id"]) == project]
    content = {"title": title, "description": text, "remove_source_branch": True}
    if own:
        done = ask_gitlab("PUT", f"{url}/{own[0]}", token, content)
    else:
        branches = {"source_branch": BRANCH, "target_branch": variable("CI_DEFAULT_BRANCH")}
        done = ask_gitlab("POST", url, token, {**content, **branches})
    sys.stdout.write(f"{done['web_url']}\n")


def main(forge: str) -> None:
    """Does all of it; exits with a message where the update needs a person."""
    os.environ["GIT_TERMINAL_PROMPT"] = "0"
    token = take_token()
    env = gitlab_environment(token) if forge == "gitlab" and token else None
    command = tool()
    plan, text = preview(command, env)
    sys.stdout.write(text)
    sys.stdout.flush()
    if plan["current"]:
        return
    if plan["conflicts"] or plan["needs_trust"]:
        options = " ARGS=--trust" if plan["needs_trust"] else ""
        raise SystemExit(f"This update needs a person: run `make update{options}` in a checkout.")
    if forge == "gitlab" and not token:
        raise SystemExit("TEMPLATE_UPDATE_TOKEN is not set: make it a masked CI variable, with a project access token.")
    title = f"chore: update the template to {plan['to']}"
    update(command, plan["to"], title, env)
    push(env)
    if forge == "github":
        open_on_github(title, text)
    elif forge == "gitlab":
        open_on_gitlab(title, text, token)


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["github"], ["gitlab"]):
        sys.exit(f"{' '.join(sys.argv[1:])} is no forge that this script knows: write github, gitlab or nothing.")
    main("".join(sys.argv[1:]))

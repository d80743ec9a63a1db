"""The weekly job: updates the package from its template on a branch and opens a request. Template's file: do not edit.

`python .ci/template_update.py [github | gitlab]` runs in a clean checkout of the default branch, with uv and git. What
the update does becomes the text of the request. Where it would conflict or run code of the template, nothing is
pushed, and the job fails with that text. Without an argument the branch is pushed and no request is opened.

Variables: TEMPLATE_UPDATE_TOKEN, a token that may push and open requests (GitLab); GH_TOKEN, the same for GitHub's gh;
PROVIDER_TEMPLATE, a command to run in the place of uvx with the template's own version of the tool. Only git and gh get
the token: they copy the template, and what comes from it runs without.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from forge import Environment, GitLab, attempt, base_branch, github_environment, open_on_github, run

BRANCH = "template-update"
REF = f"refs/heads/{BRANCH}"
EMAIL = "template-update@localhost"
AUTHOR = ("-c", "user.name=Template update", "-c", f"user.email={EMAIL}")


def recorded() -> dict[str, str]:
    """Returns where the template is and the version that the package has, from Copier's answers."""
    listed = re.search(r"^answers: '(.*)'$", Path(".template-files.yml").read_text("utf-8"), re.MULTILINE)
    path = Path(listed[1] if listed else ".copier-answers.yml")
    if not path.is_file():
        raise SystemExit(f"{path} is not here: if it was moved, run `make update ANSWERS=<its path>` in a checkout.")
    return dict(re.findall(r"^(_src_path|_commit): ['\"]?(.*?)['\"]?$", path.read_text("utf-8"), re.MULTILINE))


def template() -> tuple[str, str]:
    """Returns the template's address as git takes it, and the version that the package was rendered with."""
    answers = recorded()
    source = answers["_src_path"].removeprefix("git+")
    for short, host in (("gh:", "https://github.com/"), ("gl:", "https://gitlab.com/")):
        if source.startswith(short):
            source = host + source.removeprefix(short)
    if scp := re.fullmatch(r"([^/@]+@[^/:]+):/?(?!/)(.+)", source):
        source = f"ssh://{scp[1]}/{scp[2]}"
    if Path(source).is_absolute():
        source = Path(source).as_uri()
    if "://" not in source:
        raise SystemExit(f"The template is {source}, a path that holds on no other machine: make _src_path its URL.")
    # A version between two tags ends in its commit, such as v0.3.0-2-g1a2b3c4.
    return source, re.sub(r".+-[0-9]+-g(?=[0-9a-f]+$)", "", answers["_commit"])


def tool() -> list[str]:
    """Returns the command provider-template, in the version that the package was rendered with."""
    if command := os.environ.get("PROVIDER_TEMPLATE"):
        return shlex.split(command)
    source, version = template()
    return ["uvx", "--quiet", "--from", f"git+{source}@{version}", "provider-template"]


@contextmanager
def copied_template(env: Environment) -> Iterator[Environment]:
    """Copies the template with the token, and yields an environment in which git takes the copy in its place."""
    source, _ = template()
    if env is None or source.startswith("file:"):
        yield None
        return
    with TemporaryDirectory(prefix="template-", ignore_cleanup_errors=True) as folder:
        run("git", "clone", "--quiet", "--mirror", "--", source, f"{folder}/copy", env=env)
        before = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
        tools = {**os.environ, "GIT_CONFIG_COUNT": str(before + 2)}
        # The tool may spell the address with the ending or without; the longer one counts where both fit.
        for number, end in enumerate(("", ".git"), before):
            tools[f"GIT_CONFIG_KEY_{number}"] = f"url.file://{folder}/copy.insteadOf"
            tools[f"GIT_CONFIG_VALUE_{number}"] = f"{source.removesuffix('.git')}{end}"
        yield tools


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


def updated(command: list[str], forge: str, gitlab: GitLab, tools: Environment) -> tuple[str, str] | None:
    """Makes the branch; returns title and text of the request, or None where there is nothing to update."""
    plan, text = preview(command, tools)
    sys.stdout.write(text)
    sys.stdout.flush()
    if plan["current"]:
        return None
    if plan["conflicts"] or plan["needs_trust"]:
        options = " ARGS=--trust" if plan["needs_trust"] else ""
        raise SystemExit(f"This update needs a person: run `make update{options}` in a checkout.")
    if forge == "gitlab":
        gitlab.require_token()
    title = f"chore: update the template to {plan['to']}"
    update(command, plan["to"], title, tools)
    return title, text


def main(forge: str) -> None:
    """Does all of it; exits with a message where the update needs a person."""
    os.environ["GIT_TERMINAL_PROMPT"] = "0"
    gitlab = GitLab.with_token_of("TEMPLATE_UPDATE_TOKEN")
    github = github_environment()
    env = gitlab.environment() if forge == "gitlab" and gitlab.token else github
    command, base = tool(), base_branch()
    with copied_template(env) as tools:
        made = updated(command, forge, gitlab, tools)
    if made is None:
        return
    title, text = made
    push(env)
    if forge == "github":
        open_on_github(BRANCH, base, title, text, env)
    elif forge == "gitlab":
        gitlab.open_request(BRANCH, base, title, text)


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["github"], ["gitlab"]):
        sys.exit(f"{' '.join(sys.argv[1:])} is no forge that this script knows: write github, gitlab or nothing.")
    main("".join(sys.argv[1:]))

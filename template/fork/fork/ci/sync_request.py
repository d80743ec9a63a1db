"""The weekly job: syncs the fork with LiteLLM on a branch and opens a request. Template's file: do not edit.

`python fork/ci/sync_request.py [github | gitlab]` runs in a clean clone of the default branch, with its whole history.
It runs `python fork/tool sync`, pushes the branch `sync/<version>`, and opens a request with the report as its text, or
renews the one that is open. It pushes no other branch. Where the tool refuses, nothing is pushed, and the job fails
with the tool's sentences. Without an argument the branch is pushed and no request is opened.

The job always makes a merge, also in a fork whose strategy is rebase: a request can only be merged.

Variables: FORK_SYNC_TOKEN, a token that may push and open requests (GitLab); GH_TOKEN, the same for GitHub's gh;
FORK_SYNC_TO, the version to sync to, in place of the newest release.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from forge import Environment, GitLab, attempt, base_branch, open_on_github, run

TOOL = Path("fork/tool")
EMAIL = "fork-sync@localhost"
AUTHOR = {"NAME": "Fork sync", "EMAIL": EMAIL}
HEADS = "refs/heads/sync/"
LONGEST = 60_000  # characters; GitHub takes 65,536


def tell(text: str) -> None:
    """Writes a text into the job's log and, on GitHub, on the page of the run."""
    sys.stdout.write(text)
    sys.stdout.flush()
    if page := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(page).open("a", encoding="utf-8") as file:
            file.write(text)


def sync(env: Environment) -> dict[str, Any] | None:
    """Makes the branch in this clone; returns what the tool says of it, None where the fork is at that version."""
    run("git", "checkout", "--quiet", "-B", base_branch())  # GitLab's runner checks out a commit
    wish = [f"--to={to}"] if (to := os.environ.get("FORK_SYNC_TO", "").strip()) else []
    names = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in AUTHOR.items()}
    done = subprocess.run(
        [sys.executable, str(TOOL), "sync", "--json", "--strategy=merge", "--no-probes", *wish],
        env={**(env or os.environ), **names},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        tell(f"Not synced, and nothing was pushed:\n\n```text\n{done.stderr.strip()}\n```\n")
        raise SystemExit(
            "This sync needs a person: run `python fork/tool sync --dry-run` in a clone; DEV_FLOW.md says how to fix "
            "what it refuses."
        )
    sys.stderr.write(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return None if found.get("current") else found


def listed(title: str, names: list[str]) -> str:
    """Returns a title with a list of names below it; nothing where there is no name."""
    return f"**{title}**\n\n{''.join(f'- `{name}`{chr(10)}' for name in names)}\n" if names else ""


def in_markdown(done: dict[str, Any]) -> str:
    """Returns the tool's report as the text of a request."""
    text = (
        f"Brings the fork from LiteLLM {done['from']} to {done['to']}: {done['behind']} commits of upstream's, no "
        "conflicts. The tree is upstream's, with the fork's own paths, kept files and insertions put in again.\n\n"
    )
    text += listed(f"Insertions in place ({len(done['insertions'])})", done["insertions"])
    text += listed("Kept the fork's version, though upstream has changed them, too", done["kept"])
    text += listed("Took upstream's version, and the fork's edits are gone", done["taken"])
    if done["near"]:
        text += "**Upstream changed lines near these insertions; read them**\n\n"
    for one in done["near"]:
        title, _, lines = one.partition("\n")
        code = "\n".join(line.removeprefix("    ") for line in lines.split("\n"))
        fence = "`" * (max((len(ticks) for ticks in re.findall("`{3,}", code)), default=2) + 1)
        text += f"{title}\n\n{fence}diff\n{code}\n{fence}\n\n"
    text += (
        "The probes of the providers run in the pipeline of this request. Merge it with a merge commit, not squashed: "
        "plain `git merge` then still knows what was merged.\n"
    )
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}\n\n(cut here: `python fork/tool sync` says all)\n"


def pushed(branch: str, env: Environment) -> dict[str, str]:
    """Returns the branches below sync/ at the forge with their commits, and fetches those."""
    there = re.findall(rf"^(\S+)\t({HEADS}\S+)$", run("git", "ls-remote", "origin", f"{HEADS}*", env=env), re.MULTILINE)
    if there:
        run("git", "fetch", "--quiet", "--no-tags", "origin", *(name for _, name in there), env=env)
    own = {name: commit for commit, name in there if committer(commit) == EMAIL}
    if (commit := {name: commit for commit, name in there}.get(f"refs/heads/{branch}")) and commit not in own.values():
        raise SystemExit(
            f"The branch {branch} has commits that are not this job's: merge the request, or delete the branch."
        )
    return own


def committer(commit: str) -> str:
    """Returns the e-mail address of who made a commit."""
    return run("git", "log", "-1", "--format=%ce", commit).strip()


def push(branch: str, there: dict[str, str], env: Environment) -> None:
    """Pushes the branch, unless the forge has it with the same files on the same commit."""
    ref = f"refs/heads/{branch}"
    before = there.get(ref, "")
    if before and same(before, branch):
        return
    # What an earlier run has pushed makes place; what somebody pushes at this moment does not.
    lease = f"--force-with-lease={ref}:{before}"
    hint = " If GitHub refused a workflow file: FORK_SYNC_TOKEN has to be a token that may write workflows."
    hint = hint if "GH_TOKEN" in os.environ else ""
    run("git", "push", "--quiet", lease, "origin", f"{ref}:{ref}", env=env, hint=hint)


def same(one: str, other: str) -> bool:
    """Returns whether two commits have the same files and the same parents."""
    return run("git", "show", "-s", "--format=%T %P", one) == run("git", "show", "-s", "--format=%T %P", other)


def drop_older(branch: str, there: dict[str, str], env: Environment) -> None:
    """Deletes the job's branches for older versions, by which the forge closes their requests."""
    for ref, commit in there.items():
        older = attempt("git", "merge-base", "--is-ancestor", f"{commit}^2", f"{branch}^2").returncode == 0
        if ref == f"refs/heads/{branch}" or not older:
            continue
        name = ref.removeprefix("refs/heads/")
        lease = f"--force-with-lease={ref}:{commit}"
        gone = attempt("git", "push", "--quiet", lease, "origin", f":{ref}", env=env).returncode == 0
        sys.stdout.write(f"{name} is {'deleted' if gone else 'not deleted'}: {branch} has all that it has.\n")


def main(forge: str) -> None:
    """Does all of it; exits with a message where the sync needs a person."""
    os.environ["GIT_TERMINAL_PROMPT"] = "0"
    gitlab = GitLab.with_token_of("FORK_SYNC_TOKEN")
    if forge == "gitlab":
        gitlab.require_token()
    env = gitlab.environment() if forge == "gitlab" else None
    done = sync(env)
    if done is None:
        tell("The fork is at that version already.\n")
        return
    text, branch = in_markdown(done), str(done["update"])
    tell(text)
    there = pushed(branch, env)
    push(branch, there, env)
    title = f"chore: sync with LiteLLM {done['to']}"
    if forge == "github":
        open_on_github(branch, base_branch(), title, text)
    elif forge == "gitlab":
        gitlab.open_request(branch, base_branch(), title, text, squash=False)
    drop_older(branch, there, env)


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["github"], ["gitlab"]):
        sys.exit(f"{' '.join(sys.argv[1:])} is no forge that this script knows: write github, gitlab or nothing.")
    main("".join(sys.argv[1:]))

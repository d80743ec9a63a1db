"""What the command needs of git besides what the fork tool does, too (fork_tool/git.py)."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from subprocess import CompletedProcess

from fork_tool.git import Git, environment, to_its_end
from provider_template.errors import Refusal

# Trees are merged without a work tree from this version on.
LOWEST = (2, 38)

# Who makes the commits that no branch ever has; a package's own commits are its author's.
IDENTITY: Mapping[str, str] = {
    "GIT_AUTHOR_NAME": "provider-template",
    "GIT_AUTHOR_EMAIL": "provider-template@localhost",
    "GIT_COMMITTER_NAME": "provider-template",
    "GIT_COMMITTER_EMAIL": "provider-template@localhost",
    # The same commit whenever it is made.
    "GIT_AUTHOR_DATE": "2000-01-01T00:00:00+0000",
    "GIT_COMMITTER_DATE": "2000-01-01T00:00:00+0000",
}


def run(
    *arguments: str | Path,
    cwd: Path,
    content: str | bytes = b"",
    more: Mapping[str, str] | None = None,
    detached: bool = False,
) -> CompletedProcess[bytes]:
    """Runs git in a folder, which need not be the top of its repository; as `Git.run`."""
    return Git(cwd).run(*arguments, content=content, more=more, detached=detached)


def must(
    *arguments: str | Path,
    cwd: Path,
    content: str | bytes = b"",
    more: Mapping[str, str] | None = None,
) -> str:
    """Runs git in a folder and returns what it printed; as `Git.must`."""
    return Git(cwd).must(*arguments, content=content, more=more)


# Runs commands one after the other, until one fails. It has read all of them before it starts the first.
_SEQUENCE = """
import json, subprocess, sys
for command, content in json.load(sys.stdin):
    content = content.encode(errors="surrogateescape")
    done = subprocess.run(command, input=content, capture_output=True, restore_signals=False)
    if done.returncode:
        sys.stderr.buffer.write(done.stderr)
        sys.exit(1 if done.returncode > 0 else 128 - done.returncode)
"""


def run_detached(commands: Sequence[tuple[Sequence[str], str]], cwd: Path) -> CompletedProcess[bytes]:
    """Runs several commands of git in a session of their own: they go on where this process is killed or interrupted.

    Args:
        commands: what follows `git` on each command line, and what it reads from its standard input.
        cwd: the folder to run in.

    Returns:
        The process that ran them; its exit status is 1 where one failed, above 128 where one was killed, and the
        rest was then left out.
    """
    lines = json.dumps([(["git", *arguments], content) for arguments, content in commands])
    return to_its_end([sys.executable, "-I", "-c", _SEQUENCE], cwd, environment(), lines.encode())


@cache
def require_merge_tree() -> None:
    """Looks whether this git merges trees.

    Raises:
        Refusal: it is older than that.
    """
    words = must("version", cwd=Path.cwd()).split()
    numbers = tuple(int(part) for part in words[2].split(".")[:2] if part.isdigit())
    if numbers < LOWEST:
        raise Refusal(f"git {words[2]} is too old to merge without touching files: install git 2.38 or newer.")

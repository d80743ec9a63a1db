"""Git, run in a folder with an environment that no caller, hook of git or terminal disturbs."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from .errors import Refusal

# How git reaches other repositories, and who commits; what names a repository or an index is another's.
_KEPT = (
    "GIT_ASKPASS",
    "GIT_AUTHOR_",
    "GIT_COMMITTER_",
    "GIT_CONFIG",
    "GIT_EXEC_PATH",
    "GIT_PROXY",
    "GIT_SSH",
    "GIT_SSL",
)

_HASH = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
_known: dict[tuple[Path, tuple[str, ...]], subprocess.CompletedProcess[bytes]] = {}
"""What git has printed of commits, by the folder and its arguments."""
# What a user's settings would change in git's output.
_GIT = ("git", "-c", "log.showSignature=false", "-c", "column.ui=never")


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Returns the variables for a git process: none that names another repository, no questions, English."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name.startswith(_KEPT)}
    return {**kept, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", **(more or {})}


def one_line(output: bytes) -> str:
    """Returns what git said, on one line."""
    return " ".join(output.decode(errors="replace").split())


def _run(
    command: Sequence[str], cwd: Path, env: Mapping[str, str], content: bytes
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, cwd=cwd, env=env, input=content, capture_output=True, check=False)


def to_its_end(
    command: Sequence[str], cwd: Path, env: Mapping[str, str], content: bytes
) -> subprocess.CompletedProcess[bytes]:
    """Runs a command in a session of its own: it goes on to its end where this process is killed or interrupted.

    A file that becomes larger than the user may write is an error that the command can tell of, and not its death.
    """
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        restore_signals=False,
    ) as process:
        more: bytes | None = content
        while True:
            try:
                output, errors = process.communicate(more)
                return subprocess.CompletedProcess(command, process.returncode, output, errors)
            except KeyboardInterrupt:
                more = None


@dataclass(frozen=True)
class Entry:
    """A file in a tree: its mode and the name of its blob."""

    mode: str
    blob: str


@dataclass(frozen=True)
class Git:
    """Git in a folder, such as the top of a repository."""

    folder: Path

    def run(
        self,
        *arguments: str | Path,
        content: str | bytes = b"",
        more: Mapping[str, str] | None = None,
        detached: bool = False,
    ) -> subprocess.CompletedProcess[bytes]:
        """Runs git to its end, whatever its exit status.

        Args:
            arguments: what follows `git` on the command line.
            content: what it reads from its standard input.
            more: variables to add to its environment.
            detached: whether it is to go on where this process is killed or interrupted.

        Raises:
            Refusal: there is no git on this machine.
        """
        command = [*_GIT, *map(str, arguments)]
        data = content.encode(errors="surrogateescape") if isinstance(content, str) else content
        how = to_its_end if detached else _run
        try:
            return how(command, self.folder, environment(more), data)
        except FileNotFoundError:
            raise Refusal("There is no git on this machine: install it.") from None

    def must(self, *arguments: str | Path, content: str | bytes = b"", more: Mapping[str, str] | None = None) -> str:
        """Runs git and returns what it printed, without the last newline.

        Raises:
            Refusal: Git failed; the message has its own words.
        """
        done = self._well(self.run(*arguments, content=content, more=more))
        return done.stdout.decode(errors="surrogateescape").removesuffix("\n")

    def _well(self, done: subprocess.CompletedProcess[bytes]) -> subprocess.CompletedProcess[bytes]:
        """Returns what has ended well, and refuses what has not."""
        if done.returncode:
            said = one_line(done.stderr) or f"status {done.returncode}"
            raise Refusal(f"git {done.args[len(_GIT)]} failed in {self.folder}: {said}")
        return done

    def commit(self, name: str) -> str | None:
        """Returns the commit that a tag, branch or hash stands for; None where there is none."""
        done = self.run("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        return done.stdout.decode().strip() or None

    def is_ancestor(self, one: str, other: str) -> bool:
        """Returns whether a commit is in the history of another, or is it."""
        return self.run("merge-base", "--is-ancestor", one, other).returncode == 0

    def branch(self) -> str | None:
        """Returns the branch that is checked out; None on a detached HEAD."""
        name = self.run("symbolic-ref", "--quiet", "HEAD").stdout.decode().strip()
        return name.removeprefix("refs/heads/") or None

    def lines(self, *arguments: str) -> list[str]:
        """Returns the lines that git prints."""
        return self.must(*arguments).splitlines()

    def tree(self, commit: str, *paths: str) -> dict[str, Entry]:
        """Returns the files of a commit by path, all of them or those under some paths."""
        done = self._once("ls-tree", "-r", "-z", "--full-tree", commit, "--", *paths, of=commit)
        listed = self._well(done).stdout.decode(errors="surrogateescape")
        found: dict[str, Entry] = {}
        for line in listed.split("\0"):
            if line:
                facts, path = line.split("\t", 1)
                mode, _, blob = facts.split()
                found[path] = Entry(mode, blob)
        return found

    def blob(self, commit: str, path: str) -> bytes | None:
        """Returns the content of a file of a commit; None where it has none of that path."""
        done = self._once("cat-file", "blob", f"{commit}:{path}", of=commit)
        return done.stdout if done.returncode == 0 else None

    def _once(self, *arguments: str, of: str) -> subprocess.CompletedProcess[bytes]:
        """Runs git on a commit; once where that is named by its hash, as what it prints then stays the same."""
        key = (self.folder, arguments)
        if key in _known:
            return _known[key]
        done = self.run(*arguments)
        if done.returncode == 0 and _HASH.fullmatch(of):
            _known[key] = done
        return done

    def write_blob(self, content: bytes) -> str:
        """Stores a content and returns the name of its blob."""
        return self.must("hash-object", "-w", "--stdin", content=content)

    def write_tree(self, start: str, changes: Mapping[str, Entry | None]) -> str:
        """Stores a tree and returns its name.

        Args:
            start: the commit or tree to start from.
            changes: what to put at which path; None takes the path away.
        """
        with TemporaryDirectory() as folder:
            index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            self.must("read-tree", start, more=index)
            gone = "0" * len(self.must("rev-parse", f"{start}^{{tree}}"))
            lines = "".join(
                f"{entry.mode} {entry.blob}\t{path}\0" if entry else f"0 {gone}\t{path}\0"
                for path, entry in changes.items()
            )
            self.must("update-index", "-z", "--index-info", content=os.fsencode(lines), more=index)
            return self.must("write-tree", more=index)

    def changed(self, one: str, other: str) -> list[str]:
        """Returns the paths in which two trees differ; a renamed file counts as both of its paths."""
        listed = self.must("diff-tree", "-r", "-z", "--no-renames", "--name-only", one, other)
        return [path for path in listed.split("\0") if path]

    def set_refs(self, refs: Iterable[tuple[str, str]]) -> None:
        """Sets several refs to commits, all of them or none."""
        lines = "".join(f"update {name} {commit}\n" for name, commit in refs)
        self.must("update-ref", "--create-reflog", "--stdin", content=lines.encode())

    def is_clean(self) -> bool:
        """Returns whether the work tree and the index are as HEAD says; files that git does not know do not count."""
        return not self.must("status", "--porcelain", "--untracked-files=no")

    def path(self, name: str) -> Path:
        """Returns where git keeps a file of its own, such as `index` or `info/attributes`."""
        return Path(self.must("rev-parse", "--path-format=absolute", "--git-path", name))

    def copy_to(self, tree: str, folder: Path) -> None:
        """Writes the files of a tree into a folder; the repository does not know of it."""
        index = {"GIT_INDEX_FILE": str(folder.with_name(f"{folder.name}.index"))}
        self.must("read-tree", tree, more=index)
        self.must("checkout-index", "--all", f"--prefix={folder}/", more=index)


def repository(folder: Path) -> Git:
    """Returns the repository that a folder is in.

    Raises:
        Refusal: it is in none, or in one without a commit.
    """
    done = Git(folder).run("rev-parse", "--show-toplevel") if folder.is_dir() else None
    if done is None or done.returncode:
        said = f" ({one_line(done.stderr)})" if done else ""
        raise Refusal(f"{folder} is in no git repository{said}: run this in a clone of your fork.")
    found = Git(Path(os.fsdecode(done.stdout.rstrip(b"\n"))))
    if found.commit("HEAD") is None:
        raise Refusal(f"{found.folder} has no commit yet: commit LiteLLM's files first.")
    return found

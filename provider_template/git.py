"""Git as the command runs it: none of what a repository's own settings name is ever run or contacted.

A package may be a copy of anybody's clone, and the settings in its `.git/config` name programs (`core.fsmonitor`, filters,
`diff.*.textconv`, `core.sshCommand` …), other files (`include.path`) and other folders (`core.worktree`). So git gets
settings of ours in their place: a folder with links to the repository's objects and refs, and a `config` with what only
says how its files are stored (`_DATA`). The user's own settings, from the home folder and the system, count as ever.
What reaches another machine runs in an empty folder, outside of every repository.
"""

from __future__ import annotations

import base64
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from subprocess import CompletedProcess
from tempfile import TemporaryDirectory
from threading import RLock
from urllib.parse import unquote, urlsplit, urlunsplit

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

# What goes before all settings, in our own processes of git and in Copier's.
SETTINGS: Mapping[str, str] = {
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    # A submodule has settings of its own, and git starts another git in it.
    "submodule.recurse": "false",
    "fetch.recurseSubmodules": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    # Addresses that name a program, such as ext::sh.
    "protocol.ext.allow": "never",
    "protocol.allow": "never",
    **{f"protocol.{name}.allow": "always" for name in ("git", "http", "https", "ssh")},
    # Not in what a repository names, such as its submodules.
    "protocol.file.allow": "user",
}

# Settings of a repository that say how its files are stored, and who commits; none is a program, an address or a path.
_DATA = re.compile(
    r"core\.(repositoryformatversion|filemode|ignorecase|symlinks|precomposeunicode|autocrlf|eol|safecrlf|checkstat"
    r"|trustctime|sparsecheckout|sparsecheckoutcone|longpaths|bigfilethreshold|checkroundtripencoding)"
    # The names of formats. The other two name a remote to fetch from, and a file with more settings.
    r"|extensions\.(?!partialclone$|worktreeconfig$)[a-z0-9]+"
    r"|index\.sparse|user\.(name|email)|i18n\.commitencoding"
)
_LINKED = ("objects", "refs", "packed-refs", "logs", "info", "shallow", "worktrees", "reftable")


class _Scratch:
    """A folder for this process; it is there from its first use to `clean`."""

    def __init__(self) -> None:
        self._folder: TemporaryDirectory[str] | None = None
        self.known: dict[Path, Mapping[str, str]] = {}
        """The variables for a repository, by its folder of git."""
        self.lock = RLock()

    @property
    def path(self) -> Path:
        with self.lock:
            if self._folder is None:
                self._folder = TemporaryDirectory(prefix="provider-template-git-", ignore_cleanup_errors=True)
                (Path(self._folder.name) / "nowhere").mkdir()
            return Path(self._folder.name).resolve()

    def clean(self) -> None:
        self.known.clear()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


_scratch = _Scratch()


def clean() -> None:
    """Deletes what git needed while this process ran."""
    _scratch.clean()


def with_settings(variables: Mapping[str, str], settings: Mapping[str, str] = SETTINGS) -> dict[str, str]:
    """Returns an environment in which git takes these settings before those of any file."""
    found = dict(variables)
    count = int(found.get("GIT_CONFIG_COUNT") or 0)
    given = {found.get(f"GIT_CONFIG_KEY_{index}"): found.get(f"GIT_CONFIG_VALUE_{index}") for index in range(count)}
    for name, value in settings.items():
        if given.get(name) != value:
            found |= {f"GIT_CONFIG_KEY_{count}": name, f"GIT_CONFIG_VALUE_{count}": value}
            count += 1
    return {**found, "GIT_CONFIG_COUNT": str(count)}


@dataclass(frozen=True)
class SafeGit(Git):
    """Git in a folder, with none of the settings of the repository that the folder is in."""

    def run(
        self,
        *arguments: str | Path,
        content: str | bytes = b"",
        more: Mapping[str, str] | None = None,
        detached: bool = False,
    ) -> CompletedProcess[bytes]:
        """Runs git to its end, as `Git.run`."""
        variables = _variables(self.folder, more or {}, str(arguments[0]) if arguments else "")
        return super().run(*arguments, content=content, more=variables, detached=detached)


def _variables(folder: Path, more: Mapping[str, str], command: str) -> dict[str, str]:
    """Returns what to add to the environment of git in a folder."""
    found = {name: value for name, value in with_settings(os.environ).items() if name.startswith("GIT_CONFIG")}
    found["GIT_NO_REPLACE_OBJECTS"] = "1"
    # Those that name a repository mean one of ours, and so do those that make one.
    ours = {"GIT_DIR", "GIT_OBJECT_DIRECTORY", "GIT_CEILING_DIRECTORIES"} & more.keys()
    if not ours and command not in ("init", "clone", "version"):
        found |= _instead(folder)
    return found | dict(more)


def _instead(folder: Path) -> Mapping[str, str]:
    """Returns the variables that put our settings in the place of those of the repository that a folder is in."""
    place = _find(Path(os.path.realpath(folder)))
    if place is None:
        return {}
    top, git_dir = place
    with _scratch.lock:
        if git_dir not in _scratch.known:
            _scratch.known[git_dir] = _made(folder, top, git_dir)
        return _scratch.known[git_dir]


def _made(folder: Path, top: Path | None, git_dir: Path) -> Mapping[str, str]:
    """Makes the folder with our settings for a repository, and returns its variables."""
    if _is_anothers(top, git_dir) and Git(folder).run("rev-parse", "--git-dir", more=with_settings({})).returncode:
        # Git refuses somebody else's repository, and says what to do.
        return {}
    common = _common(git_dir)
    own = _scratch.path / f"repository-{len(_scratch.known)}"
    own.mkdir()
    for name in _LINKED:
        if (common / name).exists():
            (own / name).symlink_to(common / name)
    settings = [*_settings(common / "config"), *_settings(git_dir / "config.worktree")]
    if top is None:
        settings.append(("core.bare", "true"))
    (own / "config").write_text("".join(_line(*one) for one in settings), encoding="utf-8", errors="surrogateescape")
    return {"GIT_DIR": str(git_dir), "GIT_COMMON_DIR": str(own)} | ({"GIT_WORK_TREE": str(top)} if top else {})


def origin_of(folder: Path) -> str:
    """Returns the address that a clone was made from, as its settings have it; nothing is asked there."""
    place = _find(Path(os.path.realpath(folder)))
    return dict(_listed(_common(place[1]) / "config")).get("remote.origin.url", "") if place else ""


def _common(git_dir: Path) -> Path:
    """Returns where the folder of git of a work tree has its repository."""
    link = git_dir / "commondir"
    if not link.is_file():
        return git_dir
    return Path(os.path.realpath(git_dir / link.read_bytes()[:4096].decode(errors="surrogateescape").strip()))


def _find(folder: Path) -> tuple[Path | None, Path] | None:
    """Returns the top folder of the repository that a folder is in, if it has files, and its folder of git."""
    for place in (folder, *folder.parents):
        dot = place / ".git"
        if dot.is_file():
            text = dot.read_bytes()[:4096].decode(errors="surrogateescape")
            if text.startswith("gitdir: "):
                return place, Path(os.path.realpath(place / text.removeprefix("gitdir: ").rstrip("\n")))
        if _is_git_dir(dot):
            return place, Path(os.path.realpath(dot))
        if _is_git_dir(place):
            return None, place
    return None


def _is_git_dir(place: Path) -> bool:
    return os.path.lexists(place / "HEAD") and (
        (place / "commondir").is_file() or ((place / "objects").is_dir() and (place / "refs").is_dir())
    )


def _is_anothers(top: Path | None, git_dir: Path) -> bool:
    """Returns whether a repository belongs to another user of this machine."""
    places = [git_dir, *([top, top / ".git"] if top else [])]
    return hasattr(os, "geteuid") and any(place.stat().st_uid != os.geteuid() for place in places)


def _settings(path: Path) -> list[tuple[str, str]]:
    """Returns the settings of a file that are data."""
    return [(name, value) for name, value in _listed(path) if _DATA.fullmatch(name)]


def _listed(path: Path) -> list[tuple[str, str]]:
    """Returns all settings of a file, without those of files that it includes."""
    if not path.is_file():
        return []
    words = ("config", "--file", path, "--no-includes", "-z", "--list")
    done = Git(_scratch.path / "nowhere").run(*words, more={"GIT_CEILING_DIRECTORIES": str(_scratch.path)})
    lines = done.stdout.decode(errors="surrogateescape").split("\0")
    # A name alone means true.
    parts = (line.partition("\n") for line in lines if line)
    return [(name, value if newline else "true") for name, newline, value in parts]


def _line(name: str, value: str) -> str:
    section, _, key = name.partition(".")
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'[{section}]\n\t{key} = "{escaped}"\n'


def run(
    *arguments: str | Path,
    cwd: Path,
    content: str | bytes = b"",
    more: Mapping[str, str] | None = None,
    detached: bool = False,
) -> CompletedProcess[bytes]:
    """Runs git in a folder, which need not be the top of its repository; as `Git.run`."""
    return SafeGit(cwd).run(*arguments, content=content, more=more, detached=detached)


def must(
    *arguments: str | Path,
    cwd: Path,
    content: str | bytes = b"",
    more: Mapping[str, str] | None = None,
) -> str:
    """Runs git in a folder and returns what it printed; as `Git.must`."""
    return SafeGit(cwd).must(*arguments, content=content, more=more)


def ask(
    *arguments: str | Path,
    url: str,
    after: Sequence[str | Path] = (),
    login: tuple[str, str] = ("", ""),
    settings: Mapping[str, str] | None = None,
    repository: Path | None = None,
) -> CompletedProcess[bytes]:
    """Runs git with the address of a repository, outside of every repository.

    Args:
        arguments: what follows `git` before the address.
        url: the address; a password in it goes by a header, as a command line can be read by others on this machine.
        after: what follows the address.
        login: a name and a password for an address of https or http that has none.
        settings: more settings of git.
        repository: a bare repository of ours that git is to bring what it gets to.
    """
    address, password = split_password(url)
    wanted = dict(settings or {})
    name, secret = password if any(password) else login
    if secret and address.startswith(("https://", "http://")):
        host = urlunsplit((*urlsplit(address)[:2], "/", "", ""))
        basic = base64.b64encode(f"{name}:{secret}".encode()).decode()
        wanted[f"http.{host}.extraHeader"] = f"Authorization: Basic {basic}"
    variables = with_settings(with_settings(os.environ), wanted)
    more = {name: value for name, value in variables.items() if name.startswith("GIT_CONFIG")}
    more["GIT_CEILING_DIRECTORIES"] = str(_scratch.path)
    if repository is not None:
        more["GIT_DIR"] = str(repository)
    nowhere = _scratch.path / "nowhere"
    return run(*arguments, "--", address, *after, cwd=nowhere, more=more)


def split_password(url: str) -> tuple[str, tuple[str, str]]:
    """Returns an address of HTTP without the name and the password in it, and those; empty where there are none."""
    if not re.match(r"https?://[^/?#\s]*@", url):
        return url, ("", "")
    parts = urlsplit(url)
    who, _, host = parts.netloc.rpartition("@")
    name, colon, password = who.partition(":")
    if not colon:
        return url, ("", "")
    return urlunsplit((parts.scheme, host, *parts[2:])), (unquote(name), unquote(password))


def without_password(text: str) -> str:
    """Returns a text without the users and passwords of the addresses in it."""
    return re.sub(r"://[^/@\s]+@", "://", text)


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
    variables = environment(_variables(cwd, {}, ""))
    return to_its_end([sys.executable, "-I", "-c", _SEQUENCE], cwd, variables, lines.encode())


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

"""What a job of CI meets, on this machine: bare repositories as a forge, a command `gh` that records, a GitLab on loopback.

The machine of the job has commands of the test's on its PATH; git is the real one.
"""

from __future__ import annotations

import base64
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from testing.answers import ROOT
from testing.support import must
from testing.tool import COMMAND
from testing.upgrades import commit

# Who is known to the GitLab of these tests: the runner's own token reads the package, that of the job's variable reads
# and writes everything.
RUNNER = "gitlab-ci-token:runner-of-this-test"
WRITER = "oauth2:writer-of-this-test"
PRIVATE = WRITER.removeprefix("oauth2:")
PROJECT = 7
# The command gh: lists what a file says, and keeps the text that a request gets.
GH = """\
if words[:2] == ["pr", "list"]:
    print((folder / "opened.json").read_text())
elif words[:2] in (["pr", "create"], ["pr", "edit"]):
    (folder / "text.md").write_text(sys.stdin.read())
    print("https://forge.example.com/pull/2")
else:
    assert words == ["auth", "setup-git"], words
"""


@dataclass(frozen=True)
class Machine:
    """The machine of the job: a home without settings, and a PATH that begins with commands of our own."""

    folder: Path

    def __post_init__(self) -> None:
        for name in ("bin", "home", "tmp"):
            (self.folder / name).mkdir(parents=True)
        # The script has to do with the standard library: this is no environment's python.
        self.command("python", f'exec {shlex.quote(str(Path(sys.executable).resolve()))} "$@"')
        git = shlex.quote(shutil.which("git") or "git")
        log = shlex.quote(str(self.folder / "git.log"))
        self.command("git", f'printf "%s\\n" "$*" >> {log}\nexec {git} "$@"')

    def command(self, name: str, lines: str) -> None:
        """Puts a command of lines of sh on PATH."""
        path = self.folder / "bin" / name
        path.write_text(f"#!/bin/sh\n{lines}\n", encoding="utf-8")
        path.chmod(0o755)

    def python_command(self, name: str, code: str) -> None:
        """Puts a command on PATH that first notes its arguments, and then runs code that has them as `words`."""
        path = self.folder / f"{name}.py"
        path.write_text(
            "import json, os, pathlib, sys\n"
            "words = sys.argv[1:]\n"
            f"folder = pathlib.Path({str(self.folder)!r})\n"
            f"with (folder / '{name}.log').open('a') as log:\n"
            "    log.write(json.dumps([words, dict(os.environ)]) + '\\n')\n" + code,
            encoding="utf-8",
        )
        self.command(name, f'exec {shlex.quote(sys.executable)} {shlex.quote(str(path))} "$@"')

    def calls(self, name: str) -> list[tuple[list[str], dict[str, str]]]:
        """Returns the arguments and the environments that such a command was called with."""
        path = self.folder / f"{name}.log"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [(words, env) for words, env in map(json.loads, lines)]

    def run(self, lines: str, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
        """Runs lines of bash as a CI does; the two output streams come back as one."""
        env = {
            "HOME": str(self.folder / "home"),
            "LANG": "C.UTF-8",
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "PROVIDER_TEMPLATE": shlex.join(COMMAND),
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(self.folder / "tmp"),
            **more,
        }
        return subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", lines],
            cwd=cwd,
            env=env,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    def clone(self, origin: Path) -> Path:
        """Returns a new clone of the default branch, as shallow as a CI's."""
        folder = self.folder / f"clone-{len(list(self.folder.glob('clone-*')))}"
        done = self.run(f"git clone --quiet --depth 1 file://{origin} {folder}", self.folder)
        assert done.returncode == 0, done.stdout
        return folder


def bare(package: Path, folder: Path) -> Path:
    """Returns a bare repository with the package on its default branch, main."""
    must("git", "clone", "--quiet", "--bare", package, folder, cwd=package)
    must("git", "branch", "--move", "main", cwd=folder)
    return folder


def refs(origin: Path) -> dict[str, str]:
    """Returns the refs of a repository with their commits."""
    listed = must("git", "for-each-ref", "--format=%(refname) %(objectname)", cwd=origin)
    return dict(line.split(" ") for line in listed.splitlines())


def show(origin: Path, *arguments: str) -> str:
    """Returns what git prints of a repository."""
    return must("git", *arguments, cwd=origin).strip()


def change(origin: Path, branch: str, path: str, text: str) -> str:
    """Commits a file to a branch of the forge as somebody, and returns the commit."""
    folder = origin.with_name(f"somebody-{len(list(origin.parent.glob('somebody-*')))}")
    must("git", "clone", "--quiet", "--branch", branch, origin, folder, cwd=origin)
    (folder / path).write_text(text, encoding="utf-8")
    commit(folder, f"Change {path}")
    must("git", "push", "--quiet", cwd=folder)
    return refs(origin)[f"refs/heads/{branch}"]


@dataclass(frozen=True)
class Seen:
    """A request that reached GitLab."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    content: Any
    user: str
    """Name and secret of Basic authentication."""


class GitLab(ThreadingHTTPServer):
    """As much of GitLab as the job meets: two repositories over HTTP, and the merge requests of a project."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.project = folder / "group" / "package.git"
        self.seen: list[Seen] = []
        self.opened: list[dict[str, Any]] = []
        self.refuses_pushes = False
        self.api_status = 200
        self.page = b""

    @property
    def asked(self) -> list[tuple[str, str]]:
        """The requests to the API, by method and path."""
        return [(seen.method, seen.path) for seen in self.seen if seen.path.startswith("/api/")]

    def variables(self) -> dict[str, str]:
        """Returns what the CI sets, and the variable of the project."""
        return {
            "CI_SERVER_URL": self.url,
            "CI_PROJECT_URL": f"{self.url}/group/package",
            "CI_PROJECT_ID": str(PROJECT),
            "CI_API_V4_URL": f"{self.url}/api/v4",
            "CI_DEFAULT_BRANCH": "main",
            "TEMPLATE_UPDATE_TOKEN": PRIVATE,
        }

    def check_out(self, machine: Machine) -> Path:
        """Returns a folder that is prepared as the runner does it: shallow, and no branch is checked out."""
        folder = machine.folder / f"build-{len(list(machine.folder.glob('build-*')))}"
        address = f"{self.url.replace('://', f'://{RUNNER}@')}/group/package.git"
        done = machine.run(
            f"git init --quiet {folder}\ncd {folder}\ngit remote add origin {address}\n"
            "git fetch --quiet --depth 20 origin +refs/heads/main:refs/remotes/origin/main\n"
            "git checkout --quiet --detach refs/remotes/origin/main",
            machine.folder,
        )
        assert done.returncode == 0, done.stdout
        return folder


class _Handler(BaseHTTPRequestHandler):
    """Answers for the GitLab of these tests."""

    def log_message(self, *_: Any) -> None:
        """Says nothing."""

    def _answer(self) -> None:
        gitlab = self.server
        assert isinstance(gitlab, GitLab)
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        scheme, _, secret = self.headers.get("Authorization", "").partition(" ")
        user = base64.b64decode(secret).decode() if scheme == "Basic" else ""
        is_api = url.path.startswith("/api/v4/")
        read = json.loads(content) if is_api and content else None
        gitlab.seen.append(Seen(self.command, url.path, url.query, dict(self.headers), read, user))
        if is_api:
            self._api(gitlab, gitlab.seen[-1])
        else:
            self._git(gitlab, gitlab.seen[-1], content)

    do_GET = do_POST = do_PUT = _answer  # noqa: N815

    def _send(self, status: int, content: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _api(self, gitlab: GitLab, seen: Seen) -> None:
        if self.headers.get("PRIVATE-TOKEN") != PRIVATE:
            self._send(401, b'{"message": "401 Unauthorized"}')
            return
        if gitlab.api_status != 200 or gitlab.page:
            self._send(gitlab.api_status, gitlab.page, Location=f"{gitlab.url}/elsewhere")
            return
        one = f"/api/v4/projects/{PROJECT}/merge_requests"
        answer: Any
        if (seen.method, seen.path) == ("GET", one):
            wanted = dict(parse_qsl(seen.query))
            assert wanted.pop("state") == "opened"
            answer = [each for each in gitlab.opened if wanted.items() <= each.items()]
        elif (seen.method, seen.path) == ("POST", one):
            iid = len(gitlab.opened) + 1
            answer = {
                "iid": iid,
                "source_project_id": PROJECT,
                "web_url": f"{gitlab.url}/{iid}",
                **seen.content,
            }
            gitlab.opened.append(answer)
        else:
            (answer,) = [each for each in gitlab.opened if seen.path == f"{one}/{each['iid']}"]
            assert seen.method == "PUT"
            answer.update(seen.content)
        self._send(200, json.dumps(answer).encode())

    def _git(self, gitlab: GitLab, seen: Seen, content: bytes) -> None:
        writes = "git-receive-pack" in seen.path + seen.query
        readers = (WRITER,) if writes or "/template.git/" in seen.path else (RUNNER, WRITER)
        if seen.user not in readers:
            self._send(401, b"", WWW_Authenticate='Basic realm="GitLab"')
            return
        if writes and gitlab.refuses_pushes:
            self._send(403, b"You are not allowed to push code to this project.")
            return
        done = subprocess.run(
            ["git", "http-backend"],
            input=content,
            env={
                "PATH": os.environ["PATH"],
                "GIT_PROJECT_ROOT": str(gitlab.folder),
                "GIT_HTTP_EXPORT_ALL": "1",
                "REMOTE_USER": seen.user.partition(":")[0],
                "REQUEST_METHOD": seen.method,
                "PATH_INFO": seen.path,
                "QUERY_STRING": seen.query,
                "CONTENT_LENGTH": str(len(content)),
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            },
            stdout=subprocess.PIPE,
            check=True,
        )
        head, _, rest = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        status = int(headers.pop("Status", "200").split()[0])
        self._send(status, rest, **{name.replace("-", "_"): value for name, value in headers.items()})


def assert_secret_is_nowhere(machine: Machine, printed: str) -> None:
    """Looks for the token in what was printed and in every file, also of git, of the home and of the logs."""
    secrets = [PRIVATE, base64.b64encode(WRITER.encode()).decode()]
    assert not [secret for secret in secrets if secret in printed]
    files = [path for path in machine.folder.rglob("*") if path.is_file()]
    assert not [path for path in files for secret in secrets if secret.encode() in path.read_bytes()]

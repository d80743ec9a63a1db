"""A small template, packages of it that are written by hand, and a forge on loopback that lists and serves them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from testing.support import must
from testing.upgrades import commit

CHANGELOG = """\
# Changelog

## [0.4.0]

### Added

- A thing.

## [0.3.0]

### Security

- A hole is closed.

## [0.2.0]

## [0.1.0]
"""
DAYS = {"v0.1.0": "2026-01-01", "v0.2.0": "2026-02-01", "v0.3.0": "2026-03-01", "v0.4.0": "2026-04-01"}
"""The versions of the template with the days of their release."""
MAKEFILE = b"all:\n\techo all\n"


def make_template(folder: Path) -> Path:
    """Makes the template's repository."""
    folder.mkdir(parents=True)
    must("git", "init", "--quiet", "--initial-branch", "main", cwd=folder)
    (folder / "CHANGELOG.md").write_text(CHANGELOG, encoding="utf-8")
    for tag, day in DAYS.items():
        (folder / "VERSION").write_text(tag, encoding="utf-8")
        must("git", "add", "--all", cwd=folder)
        when = {"GIT_COMMITTER_DATE": f"{day}T12:00:00Z", "GIT_AUTHOR_DATE": f"{day}T12:00:00Z"}
        must("git", "commit", "--quiet", "--message", tag, cwd=folder, **when)
        must("git", "tag", tag, cwd=folder)
    return folder


def write_package(
    folder: Path,
    template: Path | str,
    version: str,
    name: str,
    *,
    makefile: bytes = MAKEFILE,
    root: str = "",
    **answers: object,
) -> Path:
    """Writes a package's files into a folder; `root` is where the paths of its list start, seen from there."""
    folder.mkdir(parents=True, exist_ok=True)
    given = {"package_name": name, "provider": name, "auth": "api_key", "litellm_min": "1.100.0", **answers}
    lines = [f"_commit: {version}", f"_src_path: {json.dumps(str(template))}"]
    lines += [f"{key}: {json.dumps(value)}" for key, value in given.items()]
    (folder / ".copier-answers.yml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    digest = hashlib.sha256(MAKEFILE).hexdigest()
    (folder / ".template-files.yml").write_text(
        f"answers: .copier-answers.yml\npatterns: []\nyours: []\nshared: []\ntemplate:\n  {root}Makefile: {digest}\n",
        encoding="utf-8",
    )
    (folder / "Makefile").write_bytes(makefile)
    return folder


def make_repository(folder: Path) -> Path:
    """Commits what is in a folder, as a repository of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    must("git", "init", "--quiet", "--initial-branch", "main", cwd=folder)
    commit(folder, "All")
    return folder


@dataclass
class Seen:
    """A request."""

    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]


Answer = tuple[int, Any, Mapping[str, str]]


@dataclass
class Forge:
    """The forge: bare repositories by their paths, and what its API answers with."""

    folder: Path
    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    repositories: list[dict[str, Any]] = field(default_factory=list)
    """What the API lists, in its own words."""
    page_size: int = 100
    before: list[Answer] = field(default_factory=list)
    """What it answers with before it lists anything: a status, a content, headers."""
    login: str = ""
    """The Authorization without which git gets nothing."""
    next_url: Callable[[str], str] = str

    def add(self, package: Path, path: str, **more: Any) -> str:
        """Serves a repository's commits under a path and lists it; returns its address."""
        target = self.folder / f"{path}.git"
        must("git", "clone", "--quiet", "--bare", package, target, cwd=package)
        address = f"{self.url}/{path}.git"
        self.repositories.append(
            {
                "clone_url": address,
                "full_name": path,
                "http_url_to_repo": address,
                "path_with_namespace": path,
                "archived": False,
                "topics": [],
                **more,
            }
        )
        return address

    @property
    def pages(self) -> list[int]:
        """The pages of the list that were asked for."""
        return [int(one.query.get("page", ["1"])[0]) for one in self.seen if one.path.startswith("/api")]

    @property
    def served(self) -> list[str]:
        """The paths that git asked for."""
        return [one.path for one in self.seen if not one.path.startswith("/api")]


@contextmanager
def forge(folder: Path) -> Iterator[Forge]:
    """Runs a forge on loopback until the block ends. Its API is at `<url>/api`."""
    folder.mkdir(parents=True, exist_ok=True)
    found = Forge(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            found.seen.append(Seen(url.path, parse_qs(url.query), dict(self.headers)))
            if url.path.startswith("/api"):
                self._list(parse_qs(url.query))
            else:
                self._git(b"")

        def do_POST(self) -> None:
            found.seen.append(Seen(urlsplit(self.path).path, {}, dict(self.headers)))
            self._git(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

        def _send(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _list(self, query: Mapping[str, list[str]]) -> None:
            if found.before:
                status, content, headers = found.before.pop(0)
                self._send(status, json.dumps(content).encode(), headers)
                return
            page = int(query.get("page", ["1"])[0])
            rest = found.repositories[(page - 1) * found.page_size :]
            headers = {}
            if len(rest) > found.page_size:
                address = f"{found.url}{urlsplit(self.path).path}?page={page + 1}"
                headers["Link"] = f'<{found.next_url(address)}>; rel="next", <{found.url}/api/last>; rel="last"'
            self._send(200, json.dumps(rest[: found.page_size]).encode(), headers)

        def _git(self, content: bytes) -> None:
            url = urlsplit(self.path)
            if found.login and self.headers.get("Authorization") != found.login:
                self._send(401, b"", {"WWW-Authenticate": "Basic"})
                return
            if not (found.folder / url.path.lstrip("/").partition(".git")[0]).with_suffix(".git").is_dir():
                self._send(404, b"", {})
                return
            done = subprocess.run(
                [shutil.which("git") or "git", "http-backend"],
                input=content,
                capture_output=True,
                check=False,
                env={
                    **os.environ,
                    "GIT_PROJECT_ROOT": str(found.folder),
                    "GIT_HTTP_EXPORT_ALL": "1",
                    "PATH_INFO": url.path,
                    "QUERY_STRING": url.query,
                    "REQUEST_METHOD": self.command,
                    "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                    "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                    "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                },
            )
            head, _, body = done.stdout.partition(b"\r\n\r\n")
            headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
            self._send(int(headers.pop("Status", "200").split()[0]), body, headers)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()

"""Packages that are copies of somebody's clone: nothing that their settings name is run, and no link leads out."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from testing.support import must, run
from testing.tool import state, tool, write
from testing.upgrades import NEXT, commit

HOOKS = ("post-index-change", "post-checkout", "pre-commit", "reference-transaction", "pre-auto-gc", "post-rewrite")


@pytest.fixture
def marks(tmp_path: Path) -> Path:
    """A folder in which each program that is run leaves a file."""
    folder = tmp_path / "marks"
    folder.mkdir()
    return folder


def program(marks: Path, name: str) -> str:
    """Returns a program that leaves a mark and fails."""
    path = marks.parent / "programs" / name
    write(path, f"#!/bin/sh\ntouch '{marks / name}'\nexit 1\n")
    path.chmod(0o755)
    return str(path)


def settings(marks: Path, template: str) -> dict[str, str]:
    """Returns settings of a repository, each of which names a program."""
    helper = f"ext::{program(marks, 'insteadOf')} %S"
    programs = {
        "core.fsmonitor": "",
        "core.sshCommand": "",
        "core.pager": "",
        "core.editor": "",
        "core.askPass": "",
        "core.gitProxy": "",
        "core.alternateRefsCommand": "",
        "credential.helper": "!",
        "diff.external": "",
        "diff.evil.command": "",
        "diff.evil.textconv": "",
        "merge.evil.driver": "",
        "filter.evil.clean": "",
        "filter.evil.smudge": "",
        "filter.process.process": "",
        "gpg.program": "",
        "gpg.ssh.program": "",
        "interactive.diffFilter": "",
        "remote.origin.uploadpack": "",
        "remote.origin.receivepack": "",
        "uploadpack.packObjectsHook": "",
    }
    return {
        **{name: f"{before}{program(marks, name)}" for name, before in programs.items()},
        "commit.gpgSign": "true",
        "filter.evil.required": "true",
        "protocol.ext.allow": "always",
        "remote.origin.url": str(marks.parent),
        "remote.origin.promisor": "true",
        f"url.{helper}.insteadOf": template,
    }


def arm(package: Path, marks: Path, template: str) -> None:
    """Gives a package's repository all of that, and an index that has to be looked at anew."""
    for name, value in settings(marks, template).items():
        must("git", "config", name, value, cwd=package)
    write(package / ".git" / "info" / "attributes", "* diff=evil merge=evil filter=evil\n*.md filter=process\n")
    for hook in HOOKS:
        shutil.copy2(program(marks, f"hook-{hook}"), package / ".git" / "hooks" / hook)
    included = marks.parent / "included"
    must("git", "config", "--file", included, "core.fsmonitor", program(marks, "included"), cwd=package)
    must("git", "config", "include.path", str(included), cwd=package)
    must("git", "config", "extensions.worktreeConfig", "true", cwd=package)
    must("git", "config", "--worktree", "core.fsmonitor", program(marks, "worktree"), cwd=package)
    for path in (*package.glob("*.md"), *package.glob("tests/**/*.py")):
        os.utime(path, (1, 1))


def with_submodule(package: Path, marks: Path) -> None:
    """Adds a submodule whose own settings name a program, and whose files are edited."""
    inner = package / "inner"
    inner.mkdir()
    must("git", "init", "--quiet", cwd=inner)
    write(inner / "file", "one\n")
    commit(inner, "Inner")
    write(package / ".gitmodules", '[submodule "inner"]\n\tpath = inner\n\turl = ./inner\n\tignore = none\n')
    commit(package, "Submodule")
    must("git", "config", "core.fsmonitor", program(marks, "submodule"), cwd=inner)
    write(inner / "file", "two\n")


def use_url(package: Path, versions: Path) -> str:
    """Names the template by a URL, so that it is cloned; returns that."""
    answers = package / ".copier-answers.yml"
    text = answers.read_text(encoding="utf-8")
    answers.write_text(text.replace(f"_src_path: {versions}", f"_src_path: git+{versions.as_uri()}"), encoding="utf-8")
    commit(package, "URL")
    return versions.as_uri()


def test_the_vectors_work(package: Path, marks: Path, versions: Path) -> None:
    """Plain git runs them: else the tests below say nothing."""
    url = use_url(package, versions)
    with_submodule(package, marks)
    arm(package, marks, url)
    run("git", "status", cwd=package)
    run("git", "ls-remote", url, cwd=package)
    must("git", "config", "--worktree", "--unset", "core.fsmonitor", cwd=package)
    run("git", "status", cwd=package)
    # Else git stops at the first of them; a submodule's git would be told of core.fsmonitor, too.
    harmless = ("filter.evil.clean=cat", "filter.process.process=", "filter.evil.smudge=cat")
    git = ("git", *(word for setting in harmless for word in ("-c", setting)))
    run(*git, "diff", "--no-ext-diff", "--no-textconv", "HEAD", "--", "inner", cwd=package)
    run(*git, "-c", "core.fsmonitor=", "read-tree", "HEAD", cwd=package)
    found = {path.name for path in marks.iterdir()}
    assert {"worktree", "included", "submodule", "filter.evil.clean", "insteadOf", "hook-post-index-change"} <= found


@pytest.mark.parametrize("command", ["check", "preview", "update"])
def test_nothing_is_run(command: str, package: Path, marks: Path, versions: Path) -> None:
    url = use_url(package, versions)
    with_submodule(package, marks)
    arm(package, marks, url)
    done = tool(package, command)
    assert done.returncode == 0, done.stdout
    assert NEXT in done.stdout
    assert [path.name for path in marks.iterdir()] == []
    if command == "update":
        assert f"_commit: {NEXT}\n" in (package / ".copier-answers.yml").read_text(encoding="utf-8")


def test_template_in_a_hostile_folder(package: Path, marks: Path, fork: Path, versions: Path) -> None:
    """`_src_path` may be any folder of this machine."""
    arm(fork, marks, "nothing")
    answers = package / ".copier-answers.yml"
    text = answers.read_text(encoding="utf-8")
    answers.write_text(text.replace(str(versions), str(fork)), encoding="utf-8")
    commit(package, "Elsewhere")
    for command in ("check", "preview"):
        assert tool(package, command).returncode == 0
    assert [path.name for path in marks.iterdir()] == []


def test_work_tree_elsewhere(package: Path, tmp_path: Path) -> None:
    """Git would compare, and replace, the files of another folder."""
    other = tmp_path / "other"
    shutil.copytree(package, other, ignore=shutil.ignore_patterns(".git"))
    before = {path: path.read_bytes() for path in other.rglob("*") if path.is_file()}
    must("git", "config", "core.worktree", str(other), cwd=package)
    done = tool(package, "update")
    assert done.returncode == 0, done.stdout
    assert f"_commit: {NEXT}\n" in (package / ".copier-answers.yml").read_text(encoding="utf-8")
    assert {path: path.read_bytes() for path in other.rglob("*") if path.is_file()} == before


def test_linked_work_tree(package: Path, tmp_path: Path) -> None:
    """A work tree that `git worktree` made has its settings in the repository that it is of."""
    must("git", "worktree", "add", "--quiet", "-b", "second", tmp_path / "second", cwd=package)
    done = tool(tmp_path / "second", "update")
    assert done.returncode == 0, done.stdout
    assert must("git", "status", "--porcelain", cwd=package) == ""
    assert "M  Makefile\n" in must("git", "status", "--porcelain", cwd=tmp_path / "second")


def test_settings_that_are_data_count(package: Path) -> None:
    must("git", "config", "core.fileMode", "false", cwd=package)
    (package / "Makefile").chmod(0o755)
    assert tool(package, "preview").returncode == 0
    must("git", "config", "core.fileMode", "true", cwd=package)
    assert "Makefile" in tool(package, "preview").stdout


@pytest.mark.parametrize("name", [".copier-answers.yml", ".template-files.yml"])
def test_link_out_of_the_package(name: str, package: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.yml"
    outside.write_text("_src_path: /secret\n_commit: v9.9.9\nprovider: secret\n", encoding="utf-8")
    (package / name).unlink(missing_ok=True)
    (package / name).symlink_to(outside)
    commit(package, "Link")
    before = state(package)
    for command in ("check", "preview", "update"):
        done = tool(package, command)
        assert (done.returncode, len(done.stdout.splitlines())) == (1, 1), done.stdout
        assert "secret" not in done.stdout
        assert "v9.9.9" not in done.stdout
    assert state(package) == before


def test_file_that_is_a_pipe(package: Path) -> None:
    (package / ".copier-answers.yml").unlink()
    os.mkfifo(package / ".copier-answers.yml")
    done = tool(package, "check", "--answers-file", ".copier-answers.yml")
    assert (done.returncode, "cannot be read (it is no file)" in done.stdout) == (1, True)


@contextmanager
def server() -> Iterator[tuple[str, list[str]]]:
    """A server without any repository; yields its address, and the Authorization of each request."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers.get("Authorization", ""))
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=httpd.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{httpd.server_port}", seen
    finally:
        httpd.shutdown()
        httpd.server_close()


def test_template_on_another_machine(package: Path, versions: Path) -> None:
    """It is said before which one is read; a password goes by a header, and is in no message."""
    answers = package / ".copier-answers.yml"
    text = answers.read_text(encoding="utf-8")
    with server() as (host, seen):
        answers.write_text(text.replace(str(versions), f"http://ann:s3cret@{host}/t.git"), encoding="utf-8")
        commit(package, "Elsewhere")
        for command in ("check", "preview", "update"):
            done = tool(package, command)
            assert done.returncode == 1
            assert done.stdout.startswith(f"Reading the template at http://{host}/t.git\n"), done.stdout
            assert "s3cret" not in done.stdout
        assert set(seen) == {"Basic " + base64.b64encode(b"ann:s3cret").decode()}
        assert "Reading" not in tool(package, "check", "--offline").stdout


@pytest.mark.parametrize("source", ["ext::sh -c touch% {marks}/ext", "--upload-pack=touch {marks}/x", "foo::bar"])
def test_address_that_is_a_program(source: str, package: Path, marks: Path, versions: Path) -> None:
    answers = package / ".copier-answers.yml"
    text = answers.read_text(encoding="utf-8")
    source = json.dumps(source.format(marks=marks))
    answers.write_text(text.replace(f"_src_path: {versions}", f"_src_path: {source}"), encoding="utf-8")
    commit(package, "Elsewhere")
    for command in ("check", "preview", "update"):
        assert tool(package, command).returncode == 1
    assert list(marks.iterdir()) == []

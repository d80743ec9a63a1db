"""A Postgres server of the test's own, from the Postgres that the machine has."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from testing.support import environment

USER = "litellm"
# Nothing that a test writes outlives it, and nobody but it connects.
SETTINGS = "-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off -c synchronous_commit=off"
MISSING = (
    "no Postgres here, so nothing was tried with a proxy's virtual keys: "
    "`sudo apt-get install --yes --no-install-recommends postgresql` installs one on Debian and Ubuntu"
)


@dataclass(frozen=True)
class Postgres:
    """A running server; its socket is in the folder."""

    programs: Path
    folder: Path

    @property
    def url(self) -> str:
        """The database's URL."""
        return f"postgresql://{USER}@localhost/{USER}?host={self.folder}"

    def run(self, program: str, *arguments: str, database: str = USER, text: str = "") -> str:
        """Runs one of Postgres' client programs on a database, and returns what it printed."""
        server = (f"--host={self.folder}", f"--username={USER}", f"--dbname={database}")
        command = [str(self.programs / program), *server, *arguments]
        done = subprocess.run(command, input=text, env=_environment(), text=True, capture_output=True, check=False)
        assert done.returncode == 0, f"{program} ended with {done.returncode}:\n{done.stderr}"
        return done.stdout

    def execute(self, sql: str, database: str = USER) -> str:
        """Runs SQL up to its first error, each statement in a transaction of its own; returns what it printed."""
        return self.run("psql", "-XqAt", "-v", "ON_ERROR_STOP=1", database=database, text=sql)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Returns the rows of a table."""
        found: list[dict[str, Any]] = json.loads(
            self.execute(f"SELECT coalesce(json_agg(t), '[]') FROM \"{table}\" t")  # noqa: S608
        )
        return found

    def dump(self) -> str:
        """Returns all that the database holds, as text."""
        return self.run("pg_dump", "--data-only", "--inserts")


def programs() -> Path:
    """Returns the folder of the newest Postgres on this machine; without one, the test ends with what to install."""
    packaged = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(packaged, key=lambda path: int(path.parts[-3]), default=shutil.which("initdb"))
    if not newest and os.environ.get("CI"):
        pytest.fail(MISSING)
    if not newest:
        pytest.skip(MISSING)
    return Path(newest).resolve().parent


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Runs a server with one empty database until the block ends."""
    found = programs()
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # outside of pytest's: a socket's path is short
    # The server refuses to be root.
    account: dict[str, Any] = {}
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        account = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}

    def serve(program: str, *arguments: str) -> None:
        with (folder / "output").open("a+") as output:
            done = subprocess.run(
                [str(found / program), "-D", str(folder / "data"), *arguments],
                cwd=folder,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
                **account,
            )
            output.seek(0)
            assert done.returncode == 0, f"{program} ended with {done.returncode}:\n{output.read()}"

    try:
        serve("initdb", f"--username={USER}", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
        serve("pg_ctl", "start", "--wait", f"--log={folder}/log", "-o", SETTINGS.format(folder=folder))
        try:
            server = Postgres(found, folder)
            server.execute(f"CREATE DATABASE {USER}", database="postgres")
            yield server
        finally:
            serve("pg_ctl", "stop", "--mode=immediate")
    finally:
        shutil.rmtree(folder)


def _environment() -> dict[str, str]:
    mine = environment(PGOPTIONS="-c client_min_messages=error")
    return {name: value for name, value in mine.items() if name == "PGOPTIONS" or not name.startswith("PG")}

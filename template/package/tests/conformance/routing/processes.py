"""The commands, and the gateway as a process of its own. Template's file: do not edit."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from ...package import package, part
from .gateway import Client, wait_for


@dataclass(frozen=True)
class Done:
    """What a command came to."""

    exit_code: int
    output: str


def route(*arguments: str) -> Done:
    """Runs `route …` in this process."""
    output = io.StringIO()
    with redirect_stdout(output), redirect_stderr(output):
        status = part("routing.command").main(arguments)
    return Done(status, output.getvalue())


@dataclass
class Served:
    """A gateway that runs as a process."""

    client: Client
    process: subprocess.Popen[bytes]
    log: Path

    def said(self) -> str:
        """What it has written so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def stop(self) -> int:
        """Sends SIGTERM and waits; returns the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@contextmanager
def serve(file: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[Served]:
    """Runs `route serve` on a configuration, until the end of the block.

    Args:
        file: routing.yaml.
        arguments: the host, as `--host-url` or `--host-app` has it.
        environment: variables besides those of this process.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", f"{package.__name__}.routing", "serve", "--config", str(file)]
    command += ["--port", str(port), *arguments]
    log = file.with_name(f"served-{port}.log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env={**os.environ, **(environment or {})}, stdout=output, stderr=subprocess.STDOUT
        )
    served = Served(Client(port), process, log)
    try:
        wait_for(lambda: process.poll() is not None or _answers(port), seconds=90)
        assert process.poll() is None, served.said()
        yield served
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _answers(port: int) -> bool:
    try:
        return Client(port).get("/livez").status == 200
    except OSError:
        return False


def rss(process: int, *, peak: bool = False) -> int:
    """Returns the memory of a process in bytes, now or at its peak."""
    name = "VmHWM:" if peak else "VmRSS:"
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"no {name} of {process}")


def open_sockets(process: int) -> int:
    """Returns how many sockets a process has open."""
    found = 0
    for entry in Path(f"/proc/{process}/fd").iterdir():
        try:
            found += os.readlink(entry).startswith("socket:")
        except OSError:  # closed meanwhile
            continue
    return found

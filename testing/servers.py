"""Servers that a test starts, on ports of their own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from testing.support import environment


def free_port() -> int:
    """Returns a port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(*command: str | Path, cwd: Path, port: int, **more: str) -> Iterator[None]:
    """Runs a server until the block ends; waits until it accepts connections."""
    log = cwd / f"{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=cwd,
            env=environment(**more),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait = f"""
import socket, time
for _ in range(900):
    try:
        socket.create_connection(("127.0.0.1", {port}), 1).close(); break
    except OSError:
        time.sleep(0.1)
else:
    raise SystemExit("it does not listen")
"""
        subprocess.run([sys.executable, "-c", wait], check=True, timeout=120)
        assert process.poll() is None, log.read_text(errors="replace")
        yield
    except subprocess.CalledProcessError:
        raise AssertionError(log.read_text(errors="replace")[-4000:]) from None
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)

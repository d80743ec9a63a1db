"""Hybrid routing beside other ways to put a server in front of another: one run, all of them side by side.

`python -m benchmarks.routing` prints the tables and writes results/<date>-routing.md. nginx is measured where the machine has
it. `--scale` multiplies the number of rounds; `--only` names contenders, and writes no file.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from benchmarks import table
from benchmarks.copying import measured_version
from benchmarks.prepare import ROOT, rendered_package, routing_environment
from benchmarks.rounds import difference, ratio, turns
from benchmarks.routing_client import Kept, at_once, request
from benchmarks.routing_upstream import CHUNKS

DIRECT, HOST, NOT_ROUTED, NGINX, BARE, FASTAPI_PROXY_LIB, ASGIPROXY, LITELLM, ROUTED = NAMES = (
    "upstream direct",
    "host alone (ASGI, in process)",
    "this middleware, not routed",
    "nginx",
    "bare aiohttp",
    "fastapi-proxy-lib",
    "asgiproxy",
    "LiteLLM's pass-through endpoint",
    "this middleware, routed",
)
_KINDS = {
    HOST: "host",
    NOT_ROUTED: "not routed",
    BARE: "aiohttp",
    FASTAPI_PROXY_LIB: "fastapi-proxy-lib",
    ASGIPROXY: "asgiproxy",
    ROUTED: "routed",
}
_SLOW = (LITELLM,)
_RESULTS = Path(__file__).parent / "results"
_CHAT, _STREAM = "/v1/chat/completions", "/v1/stream"
_BIG = 10_000_000
_BODIES = 8

_NGINX = """\
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  client_max_body_size 0; client_body_buffer_size 16m;
  upstream behind {{ server {upstream}; keepalive 128; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }}
  }}
}}
"""
_LITELLM = """\
model_list: []
general_settings:
  pass_through_endpoints:
    - path: /v1/chat/completions/through
      target: {upstream}/v1/chat/completions
      auth: false
    - path: /v1/stream/through
      target: {upstream}/v1/stream
      auth: false
"""


@dataclass(frozen=True)
class Contender:
    """A server that is measured, with the process whose memory counts."""

    name: str
    port: int
    process: int = 0
    suffix: str = ""
    """What its paths end in."""


@dataclass(frozen=True)
class Row:
    """A measurement: what a turn does, and how often at most."""

    name: str
    rounds: int
    turn: Callable[[Contender], float]
    unit: str = "ms"


def _one(contender: Contender, path: str, size: int, calls: int, *, first: bool = False) -> float:
    """Returns the median seconds of calls one after the other."""
    content = request(path + contender.suffix, size)
    connection = Kept(contender.port)
    try:
        times = [connection.call(content)[0 if first else 1] for _ in range(calls + 1)]
    finally:
        connection.close()
    return median(times[1:])


def _many(contender: Contender, path: str, calls: int) -> float:
    """Returns the seconds for one of many calls at once."""
    number = 64 if contender.name in _SLOW else calls
    return at_once(contender.port, request(path + contender.suffix), number) / number


ROWS = (
    Row("1 kB", 25, lambda one: _one(one, _CHAT, 0, 5 if one.name in _SLOW else 100)),
    Row("10 MB", 10, lambda one: _one(one, _CHAT, _BIG, 1 if one.name in _SLOW else 3)),
    Row("64 at once", 10, lambda one: _many(one, _CHAT, 1000), "calls/s"),
    Row(f"{CHUNKS} chunks", 20, lambda one: _one(one, _STREAM, 0, 2 if one.name in _SLOW else 8)),
    Row("first byte", 20, lambda one: _one(one, _STREAM, 0, 2 if one.name in _SLOW else 8, first=True)),
    Row("64 streams", 5, lambda one: _many(one, _STREAM, 128), "streams/s"),
)


def _memory(contender: Contender) -> float:
    """Returns how many MB the peak grows with large bodies at the same time; 0 where there is no process to look at."""
    if not contender.process:
        return 0.0
    _one(contender, _CHAT, 0, 5)
    before = _peak(contender.process)
    at_once(contender.port, request(_CHAT + contender.suffix, _BIG), _BODIES, _BODIES)
    return (_peak(contender.process) - before) / 1e6


def _peak(process: int) -> int:
    """Returns the peak of a process and its children, in bytes."""
    children = subprocess.run(["pgrep", "-P", str(process)], capture_output=True, text=True, check=False).stdout
    found = 0
    for number in (str(process), *children.split()):
        status = Path(f"/proc/{number}/status").read_text(encoding="utf-8")
        found += int(status.partition("VmHWM:")[2].split()[0]) * 1024
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def _server(name: str, command: Sequence[str | Path], port: int, folder: Path, suffix: str = "") -> Iterator[Contender]:
    """Runs a server until the end of the block; it is ready when its port is open."""
    environment = {
        **os.environ,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_MASTER_KEY": f"sk-{secrets.token_hex(24)}",  # it does not start without one
        "PYTHONPATH": str(ROOT),
    }
    log = folder / f"{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen([*map(str, command)], cwd=folder, env=environment, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                time.sleep(0.1)
            else:
                break
        if process.poll() is not None or time.monotonic() >= deadline:
            sys.exit(f"{name} did not start:\n{log.read_text(errors='replace')[-3000:]}")
        yield Contender(name, port, process.pid, suffix)
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def _contenders(programs: Path, names: Sequence[str], folder: Path) -> Iterator[list[Contender]]:
    """Starts all of them, in the order of the tables."""
    python = programs / "python"
    with ExitStack() as stack:
        behind = subprocess.Popen(
            [str(python), "-m", "benchmarks.routing_upstream"], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        stack.callback(behind.wait)
        stack.callback(behind.terminate)
        assert behind.stdout is not None
        port = int(behind.stdout.readline())
        upstream = f"http://127.0.0.1:{port}"
        found = []
        for name in names:
            listens = _free_port()
            if name == DIRECT:
                found.append(Contender(name, port))
            elif name == NGINX:
                config = folder / "nginx.conf"
                text = _NGINX.format(folder=folder, upstream=upstream.removeprefix("http://"), port=listens)
                config.write_text(text, encoding="utf-8")
                command: list[str | Path] = [_nginx(), "-p", folder, "-c", config]
                found.append(stack.enter_context(_server(name, command, listens, folder)))
            elif name == LITELLM:
                config = folder / "litellm.yaml"
                config.write_text(_LITELLM.format(upstream=upstream), encoding="utf-8")
                command = [programs / "litellm", "--config", config, "--host", "127.0.0.1", "--port", str(listens)]
                found.append(stack.enter_context(_server(name, command, listens, folder, "/through")))
            else:
                command = [python, "-m", "benchmarks.routing_servers", _KINDS[name], upstream, str(listens)]
                found.append(stack.enter_context(_server(name, command, listens, folder)))
        yield found


def _nginx() -> str:
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or ""


def run(
    programs: Path, names: Sequence[str], scale: float
) -> tuple[dict[str, dict[str, list[float]]], dict[str, float]]:
    """Measures.

    Args:
        programs: of the environment that has the package, and the others' libraries.
        names: of contenders.
        scale: factor of the number of rounds.

    Returns:
        For each row and contender the seconds of each round, and for each contender the MB of memory.
    """
    with tempfile.TemporaryDirectory() as folder, _contenders(programs, names, Path(folder)) as contenders:
        for contender in contenders:  # what is made at the first call
            _one(contender, _CHAT, 0, 20)
            _one(contender, _STREAM, 0, 2)
        # First, as a peak stays.
        memory = {contender.name: _memory(contender) for contender in contenders}
        rows: dict[str, dict[str, list[float]]] = {}
        for row in ROWS:
            times: dict[str, list[float]] = {contender.name: [] for contender in contenders}
            for number, contender in turns(contenders, max(2, round(row.rounds * scale))):
                # LiteLLM's takes hundreds of times as long: a few rounds say as much.
                if contender.name not in _SLOW or number < 3:
                    times[contender.name].append(row.turn(contender))
                    time.sleep(0.01)
            rows[row.name] = times
            print(f"{row.name}: done", file=sys.stderr, flush=True)
        return rows, memory


def _shown(row: Row, seconds: Sequence[float]) -> str:
    middle = median(seconds)
    return f"{middle * 1e3:.2f}" if row.unit == "ms" else f"{1 / middle:,.0f}"


def tables(rows: Mapping[str, Mapping[str, list[float]]], memory: Mapping[str, float]) -> str:
    """Returns the medians, and the goals."""
    head = ["", *(f"{row.name} ({row.unit})" for row in ROWS), f"MB with {_BODIES} × 10 MB"]
    body = [
        [
            name,
            *(_shown(row, rows[row.name][name]) for row in ROWS),
            f"{memory[name]:.0f}" if memory[name] else "–",
        ]
        for name in memory
    ]
    return "\n\n".join([table.in_markdown(head, body), *goals(rows, memory)])


def goals(rows: Mapping[str, Mapping[str, list[float]]], memory: Mapping[str, float]) -> list[str]:
    """Returns a line for each goal whose contenders were measured; comparisons are made within a round."""
    lines = []

    def goal(text: str, value: float, limit: float, shown: str) -> None:
        lines.append(f"- {text}: {shown}, {table.met(value <= limit)}.")

    def has(*names: str) -> bool:
        return all(name in memory for name in names)

    if has(HOST, NOT_ROUTED):
        over = difference(rows["1 kB"], NOT_ROUTED, HOST) * 1e3
        goal("Not routed, at most 0.1 ms over the host alone (1 kB)", over, 0.1, f"{over:.3f} ms")
    if has(BARE, ROUTED):
        for name, limit in (("1 kB", 1.3), ("64 at once", 1.3), (f"{CHUNKS} chunks", 1.1)):
            found = ratio(rows[name], ROUTED, BARE)
            goal(f"Routed, at most {limit} × bare aiohttp ({name})", found, limit, f"{found:.2f} ×")
    if has(DIRECT, ROUTED):
        over = difference(rows["first byte"], ROUTED, DIRECT) * 1e3
        goal("First byte of a stream, at most 1 ms over direct", over, 1, f"{over:.2f} ms")
    bodies = _BODIES * _BIG / 1e6
    for name in (ROUTED, NOT_ROUTED):
        if has(name):
            text = f"Memory with {_BODIES} bodies of 10 MB, at most 3 × the bodies ({name})"
            goal(text, memory[name] / bodies, 3, f"{memory[name] / bodies:.1f} ×")
    return ["\n".join(lines)] if lines else []


def main() -> None:
    """Reads the options, measures, prints the report and writes it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.routing", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--date", default=datetime.now(UTC).date().isoformat(), help="date of the report (ISO)")
    parser.add_argument("--scale", type=float, default=1.0, help="factor of the number of rounds")
    parser.add_argument("--only", choices=NAMES, action="append", help="one contender, or several; no file is written")
    options = parser.parse_args()
    names = [name for name in options.only or NAMES if name != NGINX or _nginx()]
    version = measured_version()
    with tempfile.TemporaryDirectory() as folder:
        package = rendered_package(Path(folder), include="[cli, routing]")
        programs = routing_environment(package)
    before = os.getloadavg()[0]
    rows, memory = run(programs, names, options.scale)
    text = "\n\n".join(
        [
            f"# Hybrid routing, {options.date}",
            table.machine(programs / "python", version, ("litellm", "uvicorn", "aiohttp", "msgspec", "httptools")),
            "Every server is a process on loopback with one worker, and the client is one more. In a round each has its turn, in "
            "an order of chance; a cell is the median over the rounds, and a goal is compared within each round. The machine is "
            f"shared: its load was {before:.1f} when the run began, and {os.getloadavg()[0]:.1f} when it ended.",
            tables(rows, memory),
            *([] if _nginx() or options.only else ["nginx was not measured: this machine has none."]),
        ]
    )
    print(text)
    if not options.only:
        (_RESULTS / f"{options.date}-routing.md").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()

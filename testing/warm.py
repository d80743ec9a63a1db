"""Programs in Python that begin where their imports are done: each is a fork of a process that has them.

Importing Copier takes half a second of CPU, importing LiteLLM four, and the tests start some hundred programs that do. A
program that is started here has the arguments, the folder, the environment and the streams that it would have otherwise, and
ends as it would; what has not been imported for it, it imports. `python testing/warm.py <socket> <module> …` is the process
that is forked; it needs the standard library only, as it also runs where packages are tested.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import re
import resource
import runpy
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType

_ANSWER = struct.Struct("id")
"""How a program ended, and its seconds of CPU, those of its children included."""
_OF_THE_INTERPRETER = re.compile("PYTHON(?!PATH$|UNBUFFERED$)")
"""Variables that an interpreter reads when it starts, which a fork does not."""

_spent = 0.0
_ready: dict[tuple[str, ...], _Warm] = {}


def spent() -> float:
    """Returns the seconds of CPU that programs have used here, which are not among those of this process's children."""
    return _spent


def run(
    program: Sequence[str],
    *,
    starter: Sequence[str],
    imported: Sequence[str],
    cwd: Path,
    env: Mapping[str, str],
) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end; its two output streams come back as one.

    Args:
        program: what the interpreter is started with: `-m` and a module, or `-c` and a text, and arguments. Where `quick` is
            imported, which starts programs itself, a module and arguments.
        starter: the interpreter and what stands between it and the program, for what cannot be started so.
        imported: modules that it finds imported. What they remember of the environment is that of the first program.
        cwd: the folder to run in.
        env: its whole environment.
    """
    special = [name for name in env if _OF_THE_INTERPRETER.match(name)]
    limited = resource.getrlimit(resource.RLIMIT_FSIZE)[0] != resource.RLIM_INFINITY
    if special or limited or not hasattr(os, "fork"):
        return subprocess.run(
            [*starter, *program],
            cwd=cwd,
            env=dict(env),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    key = (starter[0], *imported)
    if key not in _ready:
        _ready[key] = _Warm(starter[0], imported, env)
    return _ready[key].run(program, cwd, env)


class _Warm:
    """A process that waits to be forked."""

    def __init__(self, python: str, imported: Sequence[str], env: Mapping[str, str]) -> None:
        self._socket, theirs = socket.socketpair()
        command = [python, str(Path(__file__).resolve()), str(theirs.fileno()), *imported]
        # What Python writes, it holds back as for any file; so it has none that is a terminal.
        self._process = subprocess.Popen(
            command,
            cwd=tempfile.gettempdir(),
            env={**env, "PYTHONPATH": ""},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        atexit.register(self.stop)

    def run(self, program: Sequence[str], cwd: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Runs a program, and waits for its end."""
        global _spent
        with tempfile.TemporaryFile() as request, tempfile.TemporaryFile() as output, open(os.devnull, "rb") as nothing:
            wanted = {"program": list(program), "cwd": str(cwd), "env": dict(env)}
            request.write(json.dumps(wanted).encode())
            request.flush()
            socket.send_fds(self._socket, [b"!"], [file.fileno() for file in (request, nothing, output)])
            answer = self._socket.recv(_ANSWER.size, socket.MSG_WAITALL)
            if len(answer) < _ANSWER.size:
                raise AssertionError(f"the process that has {program[0]} imported has ended")
            status, seconds = _ANSWER.unpack(answer)
            _spent += seconds
            output.seek(0)
            text = output.read().decode().replace("\r\n", "\n")
        return subprocess.CompletedProcess(list(program), status, text)

    def stop(self) -> None:
        """Ends the process."""
        self._socket.close()
        self._process.wait()


def _serve(connection: socket.socket) -> list[str] | None:
    """Forks for each request. Returns in each fork what it is to run, and nothing once there is no one left to ask."""
    told = 0.0
    while True:
        message, files, *_ = socket.recv_fds(connection, 1, 3)
        if not message:
            return None
        _renew()
        process = os.fork()
        if not process:
            connection.close()
            return _become(*files)
        for file in files:
            os.close(file)
        _, status, used = os.wait4(process, 0)
        own = time.process_time()  # the imports, the first time
        seconds = used.ru_utime + used.ru_stime + own - told
        told = own
        connection.send(_ANSWER.pack(os.waitstatus_to_exitcode(status), seconds))


def _renew() -> None:
    """Takes up what other processes have compiled since."""
    if quick := sys.modules.get("quick"):
        quick.renew()


def _become(request: int, nothing: int, output: int) -> list[str]:
    """Makes this process one that was started as the request says; returns the program with its arguments."""
    with os.fdopen(request, "rb") as file:
        file.seek(0)
        wanted = json.load(file)
    os.chdir(wanted["cwd"])
    os.environ.clear()
    os.environ.update(wanted["env"])
    for stream, number in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(stream, number)
    os.close(nothing)
    os.close(output)
    tempfile.tempdir = None  # asked anew
    added = [part for part in wanted["env"].get("PYTHONPATH", "").split(os.pathsep) if part]
    program: list[str] = wanted["program"]
    sys.path[:1] = ["" if program[0] == "-c" else wanted["cwd"], *added]
    return program


def main() -> None:
    """Imports what the arguments name, and becomes what is asked for."""
    connection = socket.socket(fileno=int(sys.argv[1]))
    gc.disable()
    for name in sys.argv[2:]:
        importlib.import_module(name)
    gc.freeze()  # collections in the forks need not look at it
    gc.enable()
    program = _serve(connection)
    if program is None:
        return
    if quick := sys.modules.get("quick"):
        sys.argv = program
        quick.follow_environment()
        quick.run()
        return
    option, what, *arguments = program
    sys.argv = [option, *arguments]
    if option == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        sys.modules["__main__"] = module = ModuleType("__main__")
        exec(compile(what, "<string>", "exec"), module.__dict__)  # noqa: S102


if __name__ == "__main__":
    main()

"""Renders a version of a template into an empty folder, in this process or beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from provider_template import git
from provider_template.errors import Refusal
from provider_template.project import ANSWERS, read_yaml
from provider_template.template import Repository, location


@dataclass(frozen=True)
class Render:
    """What to render, and where. All of it can be written as JSON."""

    source: str
    """The template, as the answers file is to name it."""
    repository: str
    """The folder on this machine to take it from."""
    ref: str
    folder: str
    recorded: str = ""
    """The text of an answers file: answers that are given already."""
    data: Mapping[str, Any] | None = None
    """Answers that go before those."""
    ask: bool = False
    """Whether to ask, in the terminal, what has no answer yet; else that takes its default."""
    trust: bool = False
    answers_file: str | None = None
    """Where to keep the answers; else where the template says."""

    @classmethod
    def of(cls, template: Repository, ref: str, folder: Path, **more: Any) -> Render:
        """Returns the render of a version of a template into a folder."""
        return cls(template.source, str(template.folder), ref, str(folder), **more)


def render(job: Render) -> None:
    """Renders in this process.

    Raises:
        Refusal: the template refused an answer, needs to be trusted, or cannot be rendered.
    """
    from copier import run_copy
    from copier.errors import CopierError, UnsafeTemplateError

    folder = Path(job.folder)
    folder.mkdir(parents=True, exist_ok=True)
    if job.recorded:
        # Copier takes what a folder has been rendered with for its answers, unless it asks.
        place = folder / (job.answers_file or ANSWERS)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(job.recorded, encoding="utf-8")
    try:
        with _from_here(job), _compiled_once(), warnings.catch_warnings(action="ignore"):
            options: dict[str, Any] = {
                "vcs_ref": job.ref,
                "answers_file": job.answers_file,
                "overwrite": True,
                "quiet": True,
                "unsafe": job.trust,
                "skip_tasks": True,
            }
            data = dict(job.data or {})
            if job.ask:
                # What is recorded is given, so that Copier asks for the rest only; of that, for all.
                given = {"more": "ask", **_answered(job.recorded), **data}
                asked = run_copy(job.source, folder, data=given, pretend=True, **options)
                data |= asked.answers.user
            run_copy(job.source, folder, data=data, defaults=True, **options)
    except UnsafeTemplateError:
        raise Refusal(
            f"Version {job.ref} of the template runs code when it renders: read it, then add --trust."
        ) from None
    except KeyboardInterrupt:
        raise Refusal("Stopped: nothing was changed.") from None
    except (CopierError, ValueError, TypeError, OSError) as error:
        words = " ".join(str(error).split()) or type(error).__name__
        raise Refusal(f"Version {job.ref} of the template cannot be rendered: {words}") from error


def _answered(recorded: str) -> dict[str, Any]:
    return {name: value for name, value in (read_yaml(recorded) or {}).items() if not name.startswith("_")}


@contextmanager
def _from_here(job: Render) -> Iterator[None]:
    """Lets Copier's git run no program of a repository, and take a remote template from its copy on this machine.

    The answers file keeps the template's URL.
    """
    before = dict(os.environ)
    is_here = location(job.source) == job.repository or Path(os.path.expanduser(location(job.source))).is_dir()
    instead = {} if is_here else {f"url.{job.repository}.insteadOf": location(job.source)}
    os.environ |= git.with_settings(git.with_settings(os.environ), instead)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _compiled_once() -> Iterator[None]:
    """Lets Jinja compile a text once: Copier gives it the same names again for every file, a quarter of its time."""
    from jinja2 import Environment

    compiling = Environment.compile
    known: dict[Any, Any] = {}

    def compile_once(self: Environment, source: Any, *arguments: Any, **options: Any) -> Any:
        key = (self, source, arguments, tuple(options.items()))
        if key not in known:
            known[key] = compiling(self, source, *arguments, **options)
        return known[key]

    Environment.compile = compile_once  # type: ignore[method-assign]
    try:
        yield
    finally:
        Environment.compile = compiling  # type: ignore[method-assign]


class Beside:
    """A render in a process of its own, so that two take the time of one."""

    def __init__(self, job: Render) -> None:
        """Starts it."""
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "provider_template.render"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            # Not in the package, whose repository has settings of its own.
            cwd=Path(job.folder).parent,
            # Copier's clones go with the scratch folder, also where this process is stopped.
            env={**os.environ, **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(Path(job.folder).parent))},
        )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asdict(job)))
        self._process.stdin.close()

    def wait(self) -> None:
        """Waits for its end.

        Raises:
            Refusal: as `render`.
        """
        assert self._process.stderr is not None
        words = self._process.stderr.read()
        status = self._process.wait()
        if status == _REFUSED:
            raise Refusal(words.strip())
        if status:
            raise Refusal(f"A render ended with status {status}: {' '.join(words.split())[-500:]}")

    def stop(self) -> None:
        """Ends it, if it is still at work."""
        self._process.kill()
        self._process.wait()
        if self._process.stderr is not None:
            self._process.stderr.close()


_REFUSED = 3


def main() -> int:
    """Renders what standard input says, for `Beside`; returns the exit status."""
    try:
        render(Render(**json.load(sys.stdin)))
    except Refusal as refusal:
        sys.stderr.write(f"{refusal}\n")
        return _REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Measures what updates keep: a line is planted into the middle of every file of a render, then it is updated.

The same for this template and for public ones where their clones are given, with `copier update` and with
`provider-template update`, which works on the render of any template.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.copying import THIS, Template, public_templates
from benchmarks.prepare import ROOT
from testing.support import must, run
from testing.upgrades import MARKS, NEXT, commit, contents, files, planted, released, template_with_versions

TOOLS = ("copier update", "provider-template update")
# The versions that the public templates are updated from and to.
PUBLIC = {
    "copier-uv": (("1.7.0", "1.13.0"), ("1.10.0", "1.13.0")),
    "python-copier-template": (("2.0.0", "5.3.0"), ("4.0.0", "5.3.0")),
}


@dataclass(frozen=True)
class Row:
    """What came of one update."""

    template: str
    old: str
    new: str
    tool: str
    files: int
    planted: int
    lost: int
    """Planted lines that are nowhere any more."""
    told: int
    """Files with a conflict that git knows of."""
    status: int
    seconds: float


@dataclass(frozen=True)
class Updates:
    """All of them."""

    rows: tuple[Row, ...]
    skipped: tuple[str, ...]


def run_updates(programs: Path) -> Updates:
    """Makes every update; the environment names the clones of public templates as for `copier copy`.

    Args:
        programs: a folder with copier, and a Python that has what our command imports.
    """
    public, skipped = public_templates()
    rows: list[Row] = []
    notes = list(skipped)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        this = Template(THIS, template_with_versions(folder / "this"), trust=True)
        pairs = [(this, version, NEXT) for version in released()]
        for template in public:
            clone = folder / template.name
            must("git", "clone", "--quiet", template.source, clone, cwd=folder)
            known = Template(template.name, clone, template.answers, trust=True)
            pairs += [(known, *versions) for versions in PUBLIC[template.name]]
        for template, old, new in pairs:
            for tool in TOOLS:
                try:
                    rows.append(_row(programs, template, old, new, tool, folder / "package"))
                except AssertionError as error:
                    words = str(error).splitlines()[-1][:200]
                    notes.append(f"{template.name} {old}: {words}")
                shutil.rmtree(folder / "package", ignore_errors=True)
    return Updates(tuple(rows), tuple(dict.fromkeys(notes)))


def _row(programs: Path, template: Template, old: str, new: str, tool: str, package: Path) -> Row:
    copier = programs / "copier"
    data = [word for name, value in template.answers.items() for word in ("--data", f"{name}={value}")]
    trust = ["--trust"] if template.trust else []
    where = package.parent
    must(
        copier,
        "copy",
        "--defaults",
        "--quiet",
        *trust,
        *data,
        "--vcs-ref",
        old,
        template.source,
        package,
        cwd=where,
    )
    must("git", "init", "--quiet", cwd=package)
    commit(package, "Render")
    count = len(files(package))
    edits = planted(package)
    commit(package, "Edit")
    own: list[str | Path] = [
        programs / "python",
        "-m",
        "provider_template",
        "update",
        "--defaults",
        *trust,
        "--to",
        new,
    ]
    theirs: list[str | Path] = [copier, "update", "--defaults", "--quiet", *trust, "--vcs-ref", new]
    started = time.perf_counter()
    done = run(*(theirs if tool == TOOLS[0] else own), cwd=package, PYTHONPATH=str(ROOT))
    seconds = time.perf_counter() - started
    # 3: there are conflicts to resolve.
    assert done.returncode in (0, 3), f"{tool} ended with {done.returncode}: {done.stdout}"
    everything = contents(package)
    text = "\n".join(everything.values())
    unmerged = must("git", "diff", "--name-only", "--diff-filter=U", cwd=package).splitlines()
    marked = [path for path, words in everything.items() if any(line.startswith(MARKS) for line in words.splitlines())]
    return Row(
        template.name,
        old,
        new if new != NEXT else "working tree",
        tool,
        count,
        len(edits.tokens),
        sum(token not in text for token in edits.tokens),
        len({*unmerged, *marked}),
        done.returncode,
        seconds,
    )

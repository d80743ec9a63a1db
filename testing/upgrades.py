"""Updates from every released version to the working tree, with edits of many kinds: `make test-upgrades`.

`python -m testing.upgrades [word …]` makes the updates whose name has one of the words, such as v0.5.0 or custom-developed, or
all of them. It prints a table and ends with 1 if a line of an author was lost. Where a package was developed or
left as it was, `make check test` is run in it after our update. tests/test_upgrades.py has a sample of the same in CI.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path

import yaml

from testing.answers import ROOT, Answers
from testing.memory import keep_temporary_files_in_memory
from testing.support import TEMPLATE, UV, must, run

NEXT = "v999.0.0"
"""The tag of the working tree."""
BIN = Path(sys.executable).parent
BOOKKEEPING = (".copier-answers.yml", ".template-files.yml")
MARKS = ("<<<<<<< ", ">>>>>>> ")


def released() -> dict[str, str]:
    """Returns the released versions with their commits, the oldest first."""
    found: dict[str, str] = yaml.safe_load((ROOT / "releases.yml").read_text(encoding="utf-8"))
    return found


def template_with_versions(folder: Path) -> Path:
    """Clones the template into a folder, with a tag for each released version and one for the working tree."""
    must("git", "clone", "--quiet", "--no-checkout", ROOT, folder, cwd=ROOT)
    for version, commit in released().items():
        known = run("git", "cat-file", "-e", f"{commit}^{{commit}}", cwd=folder)
        assert known.returncode == 0, f"commit {commit} of {version} is not in this clone: git fetch --unshallow"
        must("git", "tag", "--force", version, commit, cwd=folder)
    must("git", "checkout", "--quiet", "--detach", cwd=folder)
    for name in TEMPLATE:
        if (folder / name).is_dir():
            shutil.rmtree(folder / name)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / name, folder / name)
    must("git", "add", "--all", cwd=folder)
    must("git", "commit", "--quiet", "--allow-empty", "--message", "Working tree", cwd=folder)
    must("git", "tag", "--force", NEXT, cwd=folder)
    return folder


def render(template: Path, version: str, answers: Answers, folder: Path) -> Path:
    """Renders a version into a folder and commits it."""
    import copier

    copier.run_copy(str(template), folder, data=dict(answers), vcs_ref=version, defaults=True, quiet=True, unsafe=False)
    must("git", "init", "--quiet", cwd=folder)
    commit(folder, "Render")
    return folder


def commit(folder: Path, message: str) -> None:
    """Commits everything in a folder."""
    must("git", "add", "--all", cwd=folder)
    must("git", "commit", "--quiet", "--message", message, cwd=folder)


@dataclass
class Edits:
    """What somebody has done to a package."""

    tokens: dict[str, str] = field(default_factory=dict)
    """Each planted line with the file that it is in."""
    deleted: list[str] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)

    def plant(self, folder: Path, path: str) -> None:
        """Puts a line that is nowhere else into the middle of a file."""
        token = f"# planted-{len(self.tokens)}-in-{path}"
        lines = (folder / path).read_text(encoding="utf-8").splitlines(keepends=True)
        lines.insert(len(lines) // 2, f"{token}\n")
        (folder / path).write_text("".join(lines), encoding="utf-8")
        self.tokens[token] = path


def files(folder: Path) -> list[str]:
    """Returns the files that git knows in a folder, and those that it would add."""
    listed = must("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=folder)
    return sorted({path for path in listed.splitlines() if (folder / path).is_file()})


def unedited(folder: Path) -> Edits:
    """Leaves a package as it is."""
    return Edits()


def planted(folder: Path) -> Edits:
    """Plants a line in the middle of every file."""
    edits = Edits()
    for path in files(folder):
        if path not in BOOKKEEPING:
            edits.plant(folder, path)
    return edits


def rearranged(folder: Path) -> Edits:
    """Adds, deletes, renames and reformats files, also some of the template's."""
    edits = Edits()
    for path in (
        "examples/streaming.py",
        "docs/tutorial.md",
        "compose.yaml",
        "tests/conformance/test_sse.py",
    ):
        if (folder / path).is_file():
            (folder / path).unlink()
            edits.deleted.append(path)
    renames = {
        "docs/index.md": "docs/start.md",
        "tests/conformance/test_chat.py": "tests/conformance/test_talk.py",
    }
    for source, target in renames.items():
        if (folder / source).is_file():
            (folder / source).rename(folder / target)
            edits.renamed[source] = target
            edits.plant(folder, target)
    for added in ("local.mk", "docs/own.md", "src/own/__init__.py", "tests/conformance/test_own.py"):
        (folder / added).parent.mkdir(parents=True, exist_ok=True)
        (folder / added).write_text("# one\n# two\n", encoding="utf-8")
        edits.plant(folder, added)
    # As a formatter with other rules would.
    for code in (*folder.glob("src/*/transformation.py"), folder / "tests" / "conformance" / "conftest.py"):
        text = code.read_text(encoding="utf-8")
        code.write_text(text.replace("\n    ", "\n  ").replace('"', "'"), encoding="utf-8")
    _move_table(folder / "pyproject.toml", "[tool.mypy]", "[build-system]")
    edits.plant(folder, "pyproject.toml")
    return edits


def _move_table(path: Path, table: str, before: str) -> None:
    """Moves a table of a TOML file to another place."""
    text = path.read_text(encoding="utf-8")
    start = text.index(f"\n{table}\n") + 1
    end = text.index("\n[", start) + 1
    moved = text[start:end]
    rest = text[:start] + text[end:]
    place = rest.index(before)
    path.write_text(rest[:place] + moved + rest[place:], encoding="utf-8")


def developed(folder: Path) -> Edits:
    """Develops the worked example of `api_format: custom` into a provider of one's own, in one's own files only."""
    edits = Edits()
    (module,) = folder.glob("src/*/transformation.py")
    replace = {
        module: {
            "/generate": "/v2/chat",
            '"max_length"': '"limit"',
            '    "seed": "seed",\n': '    "frequency_penalty": "repetition",\n    "seed": "seed",\n',
        },
        folder / "tests" / "upstream.py": {
            '"max_length"': '"limit"',
            '    "seed": "seed",\n': '    "repetition": "frequency_penalty",\n    "seed": "seed",\n',
        },
        folder / "tests" / "test_transformation.py": {
            "/generate": "/v2/chat",
            '"max_length"': '"limit"',
        },
        folder / "pyproject.toml": {
            "    # Your dependencies go below this line.\n": "    # Your dependencies go below this line.\n"
            '    "packaging>=24",\n',
            'version = "0.1.0"': 'version = "1.4.2"',
        },
    }
    for path, words in replace.items():
        text = path.read_text(encoding="utf-8")
        for old, new in words.items():
            assert old in text, (path, old)
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")
    model = module.with_name("models.yaml")
    text = model.read_text(encoding="utf-8")
    price = "input_cost_per_token: 0.0\n"
    model.write_text(text.replace(price, "input_cost_per_token: 0.000002\n", 1), encoding="utf-8")
    appended = {
        "pyproject.toml": "[tool.coverage.run]\nbranch = true\n",
        ".gitignore": "/recordings/\n",
        "local.mk": "own:\n\t@echo own\n",
        "CHANGELOG.md": "- Own prices.\n",
        "README.md": "\nRun by the search team.\n",
        "docs/index.md": "\nRun by the search team.\n",
        "tests/test_own.py": "def test_own() -> None:\n    assert 1 + 1 == 2\n",
    }
    for name, more in appended.items():
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write(more)
    (folder / "examples" / "streaming.py").unlink()
    edits.deleted.append("examples/streaming.py")
    for name in [*appended, *(str(path.relative_to(folder)) for path in replace)]:
        if name.endswith((".py", ".toml")):
            token = f"# developed-{name}"
            with (folder / name).open("a", encoding="utf-8") as file:
                file.write(f"\n\n{token}\n" if name.endswith(".py") else f"{token}\n")
            edits.tokens[token] = name
    return edits


KINDS: Mapping[str, Callable[[Path], Edits]] = {
    "unedited": unedited,
    "planted": planted,
    "rearranged": rearranged,
    "developed": developed,
}
ANSWERS: Mapping[str, Answers] = {
    "default": {},
    "custom": {"api_format": "custom", "auth": "none", "ci": "gitlab", "include": ["cli", "docs"]},
    "device": {"auth": "oauth_device_code", "provider": "zoe_2", "include": ["docker"]},
}


@dataclass(frozen=True)
class Case:
    """One update."""

    version: str
    answers: str
    kind: str

    @property
    def name(self) -> str:
        """What it is called."""
        return f"{self.version}-{self.answers}-{self.kind}"

    @property
    def has_suite(self) -> bool:
        """Whether the package's own suite is run after it."""
        return self.kind == "developed" or (self.kind, self.answers) == ("unedited", "default")


def _suite(folder: Path) -> str:
    """Runs a package's own checks and tests; returns `passed`, or what was printed and `failed`."""
    done = run("make", "check", "test", f"UV={UV}", cwd=folder)
    return "passed" if done.returncode == 0 else f"{done.stdout[-4000:]}\nfailed"


def cases() -> Iterator[Case]:
    """Yields every update that the suite makes."""
    for version in released():
        for answers in ANSWERS:
            if answers == "device" and version == "v0.1.0":
                continue  # that version had no such answer
            for kind in KINDS:
                if kind != "developed" or answers == "custom":
                    yield Case(version, answers, kind)


def update_ours(folder: Path) -> int:
    """Runs `provider-template update`; returns its exit status."""
    return run(
        sys.executable, "-m", "provider_template", "update", "--defaults", cwd=folder, PYTHONPATH=str(ROOT)
    ).returncode


def update_copier(folder: Path) -> int:
    """Runs `copier update`, trusted because a migration may be crossed; returns its exit status."""
    return run(BIN / "copier", "update", "--defaults", "--trust", "--quiet", cwd=folder).returncode


@dataclass(frozen=True)
class Result:
    """What an update has come to."""

    status: int
    seconds: float
    lost: list[str]
    """Planted lines that are nowhere any more."""
    conflicts: list[str]
    """Files with conflict markers."""
    needless: list[str]
    """Those in which the two sides' edits were apart."""
    returned: list[str]
    """Files that were deleted and are there again."""
    contents: dict[str, str]
    """Every file."""


def contents(folder: Path) -> dict[str, str]:
    """Returns every file's text by its path."""
    return {path: (folder / path).read_text(encoding="utf-8") for path in files(folder)}


def measure(
    update: Callable[[Path], int], folder: Path, edits: Edits, old: dict[str, str], new: dict[str, str]
) -> Result:
    """Updates a package and looks at what became of it.

    Args:
        update: what updates it.
        folder: the package, with its edits committed.
        edits: what they were.
        old: what the version rendered that it has.
        new: what the new version renders.
    """
    started = time.perf_counter()
    status = update(folder)
    seconds = time.perf_counter() - started
    after = contents(folder)
    everything = "\n".join(after.values())
    conflicts = [path for path, text in after.items() if any(line.startswith(MARKS) for line in text.splitlines())]
    needless = [
        path
        for token, path in edits.tokens.items()
        if path in conflicts
        and path in old
        and path in new
        and _apart(old[path], new[path], len(old[path].splitlines()) // 2)
    ]
    return Result(
        status=status,
        seconds=seconds,
        lost=[token for token in edits.tokens if token not in everything],
        conflicts=conflicts,
        needless=needless,
        returned=[path for path in edits.deleted if path in after],
        contents=after,
    )


def _apart(old: str, new: str, line: int) -> bool:
    """Tells whether a line that is put before that line has an untouched one between it and every change."""
    changes = SequenceMatcher(None, old.splitlines(), new.splitlines(), autojunk=False).get_opcodes()
    return all(tag == "equal" or line < start - 1 or line > end + 1 for tag, start, end, _, _ in changes)


def prepare(template: Path, case: Case, folder: Path) -> tuple[Edits, dict[str, str], dict[str, str]]:
    """Renders a package and edits it; returns the edits, what was rendered, and what the new version renders."""
    answers = ANSWERS[case.answers]
    render(template, case.version, answers, folder)
    old = contents(folder)
    edits = KINDS[case.kind](folder)
    if case.kind != "unedited":
        commit(folder, "Edit")
    new = contents(render(template, NEXT, answers, folder.with_name(f"{folder.name}-fresh")))
    return edits, old, new


def strange(old: dict[str, str], new: dict[str, str], after: dict[str, str]) -> list[str]:
    """Returns the files in which the update of an unedited package differs from a fresh render.

    The author's files are rendered once: they are as they were, or new.
    """
    yours = yaml.safe_load(new[".template-files.yml"])["yours"]
    expected = {path: old.get(path, text) if path in yours else text for path, text in new.items()}
    return sorted(path for path in {*expected, *after} if expected.get(path) != after.get(path))


def table(rows: list[tuple[str, ...]]) -> str:
    """Returns rows of text as lines with aligned columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def main(words: list[str]) -> int:
    """Runs the cases whose name has one of the words, or all, with both tools; prints the tables, returns the exit status."""
    keep_temporary_files_in_memory()
    os.environ.setdefault("GIT_AUTHOR_NAME", "upgrades")
    for role in ("AUTHOR", "COMMITTER"):
        os.environ.setdefault(f"GIT_{role}_NAME", "upgrades")
        os.environ.setdefault(f"GIT_{role}_EMAIL", "upgrades@localhost")
    head = (
        "from",
        "to",
        "answers",
        "edits",
        "tool",
        "files",
        "planted",
        "lost",
        "conflicts",
        "returned",
        "seconds",
        "suite",
    )
    rows: list[tuple[str, ...]] = [head]
    seconds = {"provider-template": 0.0, "copier": 0.0}
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        template = template_with_versions(Path(scratch) / "template")
        for case in (case for case in cases() if not words or any(word in case.name for word in words)):
            for tool, update in (("provider-template", update_ours), ("copier", update_copier)):
                folder = Path(scratch) / f"{case.name}-{tool}"
                edits, old, new = prepare(template, case, folder)
                result = measure(update, folder, edits, old, new)
                seconds[tool] += result.seconds
                suite = _suite(folder) if tool == "provider-template" and case.has_suite else ""
                rows.append(
                    (
                        case.version,
                        "working tree",
                        case.answers,
                        case.kind,
                        tool,
                        *(
                            str(len(each))
                            for each in (old, edits.tokens, result.lost, result.conflicts, result.returned)
                        ),
                        f"{result.seconds:.1f}",
                        suite.splitlines()[-1] if suite else "",
                    )
                )
                faults += [f"{case.name}, {tool}: {fault}" for fault in faults_of(case, tool, result, old, new)]
                if suite not in ("", "passed"):
                    faults.append(f"{case.name}: {suite}")
                shutil.rmtree(folder)
                shutil.rmtree(folder.with_name(f"{folder.name}-fresh"))
                print(f"{case.name} {tool}: {result.seconds:.1f} s", file=sys.stderr, flush=True)
    print(table(rows))
    print(f"\nprovider-template took {seconds['provider-template'] / seconds['copier']:.2f} of copier's time.")
    for fault in faults:
        print(fault)
    return 1 if faults else 0


def faults_of(case: Case, tool: str, result: Result, old: dict[str, str], new: dict[str, str]) -> list[str]:
    """Returns what must not come of an update, in words."""
    found = [f"lost {token}" for token in result.lost]
    if case.kind == "planted":
        found += [f"needless conflict in {path}" for path in result.needless]
    if tool == "provider-template":
        # Copier brings back files that are listed as rendered once (copier/_main.py, files_removed).
        found += [f"{path} was deleted and is there again" for path in result.returned]
    expected = 3 if result.conflicts and tool == "provider-template" else 0
    if result.status != expected:
        found.append(f"ended with {result.status}")
    if case.kind == "unedited":
        found += [f"{path} differs from a fresh render" for path in strange(old, new, result.contents)]
    if case.kind in ("unedited", "developed"):
        found += [f"a conflict in {path}" for path in result.conflicts]
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Counts what the usual ways to keep a fork of LiteLLM cost: plain merge, plain rebase, and merge with rerere.

`python -m benchmarks.fork_peers` makes forks of the oldest version that testing/litellm_upstream.py has, in
temporary clones, and brings each to the newest: release by release, and in one jump. There are two sets of edits:

- by hand: what people write who add a provider as LiteLLM's own are: an entry beside `custom_openai` in one list of
  providers and at the end of another, a member at the end of the enum, a branch in `completion`, a model at the end
  of the prices;
- two insertions: the two places where the fork layout of this template calls its provider, as plain text.

Both have the branding besides: the title of the README, and name and version in pyproject.toml.

Every conflict is resolved and committed, so that the next sync can start, in one of two ways. `both sides` keeps
what is on either side of the marks, ours first. That is the same for all, and no more: nobody looks at what comes of
it. Two names and two versions stay in pyproject.toml, say, so that no project is left that could be built, and with
ours before theirs the next merge finds nothing to stop at there, while a rebase, for which upstream is `ours`, does.
`edit again` takes upstream's file and makes the fork's edit in it again, as a careful person would.

rerere stages what it can reuse (`rerere.autoUpdate`), has seen the earlier steps of the same run only, and git stops
even where it resolves all.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from testing.litellm_upstream import VERSIONS, upstream
from testing.support import must, run

WAYS = ("merge", "rebase", "merge, rerere")
PATHS = ("steps", "jump")
BOTH_SIDES = "both sides"
EDIT_AGAIN = "edit again"
RESOLUTIONS = (BOTH_SIDES, EDIT_AGAIN)

_GIT = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_EDITOR": "true",
    "LC_ALL": "C",
    **{f"GIT_{role}_{what}": "acme" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


@dataclass(frozen=True)
class Edit:
    """One place where a fork differs: what a regular expression finds (once) in a file is replaced."""

    file: str
    find: str
    put: str
    """As for `re.sub`."""


@dataclass(frozen=True)
class Row:
    """What it took to bring one fork from the oldest version to the newest."""

    edits: str
    way: str
    path: str
    resolution: str
    syncs: int
    stopped: int
    """Syncs in which git stopped at least once."""
    stops: int
    """How many times it did; a rebase can do so at each commit of the fork."""
    files: int
    """Conflicted files to resolve by hand, over all stops."""
    branding: int
    """Those of them that are README.md or pyproject.toml."""
    hunks: int
    """Conflicts within these files."""
    reused: int
    """Conflicted files that rerere resolved."""


@dataclass(frozen=True)
class _Fork:
    edits: str
    way: str
    path: str
    resolution: str


@dataclass
class _Counts:
    stopped: int = 0
    stops: int = 0
    files: int = 0
    branding: int = 0
    hunks: int = 0
    reused: int = 0


# Each is a commit, of one file.
_BRANDING = (
    (Edit("README.md", r"(?m)^( *)🚅 LiteLLM$", r"\1Acme LLM, a fork of LiteLLM"),),
    (
        Edit(
            "pyproject.toml",
            r'(?m)^name = "litellm"\nversion = "([^"]+)"$',
            'name = "acme-llm"\n' r'version = "\1+acme.1"',
        ),
    ),
)
_BY_HAND = (
    (
        Edit(
            "litellm/constants.py",
            r'(\nLITELLM_CHAT_PROVIDERS\b[^\]]*?\n    "custom_openai",\n)',
            r'\1    "acme",\n',
        ),
        Edit("litellm/constants.py", r"(\nopenai_compatible_providers\b[^=]*= \[[^\]]*)\]", r'\1    "acme",\n]'),
    ),
    (
        Edit(
            "litellm/types/utils.py",
            r"(\nclass LlmProviders\(str, Enum\):\n(?:    .*\n)+)",
            r'\1    ACME = "acme"\n',
        ),
    ),
    (
        Edit(
            "litellm/main.py",
            r'(?m)^( {8}elif custom_llm_provider == "custom":\n)',
            '        elif custom_llm_provider == "acme":\n'
            "            response = _complete_acme(_dispatch_ctx)\n\n"
            r"\1",
        ),
        Edit(
            "litellm/main.py",
            r"(?m)^(def _complete_custom\()",
            "def _complete_acme(ctx):\n"
            "    from litellm.llms.acme.chat import complete\n\n"
            "    return complete(ctx)\n\n\n"
            r"\1",
        ),
    ),
    (
        Edit(
            "litellm/model_prices_and_context_window_backup.json",
            r"\n    \}\n\}\s*\Z",
            '\n    },\n    "acme/acme-large": {\n        "litellm_provider": "acme",\n        "mode": "chat"\n    }\n}\n',
        ),
    ),
)
_INSERTIONS = (
    (
        Edit(
            "litellm/__init__.py",
            r"\Z",
            "\nfrom litellm.llms.acme.in_tree import announce as _announce_acme\n\n_announce_acme()\n",
        ),
    ),
    (
        Edit(
            "litellm/utils.py",
            r"(?m)^(    for custom_llm in litellm\.custom_provider_map:\n)",
            "    from litellm.llms.acme.in_tree import announce as _announce_acme\n\n    _announce_acme()\n"
            r"\1",
        ),
    ),
)
EDITS = {"by hand": (*_BY_HAND, *_BRANDING), "two hooks": (*_INSERTIONS, *_BRANDING)}
"""The commits of each fork."""

_BRANDED = {edit.file for commit in _BRANDING for edit in commit}


def run_peers(repository: Path, versions: Sequence[str] = VERSIONS, resolution: str = BOTH_SIDES) -> list[Row]:
    """Keeps each fork in each way, and returns what each took.

    Args:
        repository: with a tag `v<version>` for each version; it is only read.
        versions: from the oldest, that the forks are made of, to the newest; two at least.
        resolution: one of RESOLUTIONS.

    Raises:
        ValueError: a file of a version that an edit is made in is not as the edit expects.
        AssertionError: git failed otherwise than with a conflict.
    """
    return [
        _row(_Fork(edits, way, path, resolution), repository, [f"v{version}" for version in versions])
        for edits in EDITS
        for path in PATHS
        for way in WAYS
    ]


def peers_section(rows: Sequence[Row]) -> str:
    """Returns the table, in Markdown."""
    words = ("edits", "way", "path", "resolved")
    numbers = ("syncs", "stopped", "stops", "files", "of them branding", "hunks", "by rerere")
    lines = [
        (*words, *numbers),
        ("---",) * len(words) + ("---:",) * len(numbers),
        *(tuple(map(str, astuple(row))) for row in rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def edited(text: str, edit: Edit) -> str:
    """Returns a file's text with an edit made.

    Raises:
        ValueError: the text has not exactly one place for it.
    """
    done, count = re.subn(edit.find, edit.put, text)
    if count != 1:
        raise ValueError(f"{edit.file} has {count} places that match {edit.find!r}, not one.")
    return done


def _row(kept: _Fork, repository: Path, tags: Sequence[str]) -> Row:
    targets = tags[1:] if kept.path == "steps" else tags[-1:]
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "fork"
        _make(kept, repository, clone, tags[0])
        counts = _Counts()
        for tag in targets:
            before = counts.stops
            if kept.way == "rebase":
                _rebase(kept, clone, tag, counts)
            else:
                _merge(kept, clone, tag, counts)
            counts.stopped += counts.stops > before
    return Row(kept.edits, kept.way, kept.path, kept.resolution, len(targets), **vars(counts))


def _make(kept: _Fork, repository: Path, clone: Path, tag: str) -> None:
    """Makes a fork of a version, with only the files in its working tree that it edits: no others can conflict."""
    must("git", "clone", "--quiet", "--shared", "--no-checkout", repository, clone, cwd=repository, **_GIT)
    _git(clone, "config", "gc.auto", "0")
    if "rerere" in kept.way:
        _git(clone, "config", "rerere.enabled", "true")
        _git(clone, "config", "rerere.autoUpdate", "true")
    commits = EDITS[kept.edits]
    files = sorted({edit.file for commit in commits for edit in commit})
    _git(clone, "sparse-checkout", "set", "--no-cone", *(f"/{file}" for file in files))
    _git(clone, "checkout", "--quiet", "-b", "fork", tag)
    for commit in commits:
        file = commit[0].file
        path = clone / file
        path.write_text(_with_edits(path.read_text(encoding="utf-8"), kept, file), encoding="utf-8")
        _git(clone, "commit", "--quiet", "--all", "--message", f"Acme: {file}")


def _merge(kept: _Fork, clone: Path, tag: str, counts: _Counts) -> None:
    done = run("git", "merge", "--no-edit", tag, cwd=clone, **_GIT)
    if done.returncode:
        _resolve(kept, clone, tag, done.stdout, counts)
        _git(clone, "commit", "--quiet", "--no-edit")


def _rebase(kept: _Fork, clone: Path, tag: str, counts: _Counts) -> None:
    done = run("git", "rebase", tag, cwd=clone, **_GIT)
    while done.returncode:
        _resolve(kept, clone, tag, done.stdout, counts)
        done = run("git", "rebase", "--continue", cwd=clone, **_GIT)


def _resolve(kept: _Fork, clone: Path, tag: str, said: str, counts: _Counts) -> None:
    """Counts the conflicts that git stopped at, and resolves and stages each."""
    unmerged = _git(clone, "diff", "--name-only", "--diff-filter=U").splitlines()
    reused = sum(line.startswith("Staged '") for line in said.splitlines())
    assert unmerged or reused, f"git failed without a conflict: {said}"
    counts.stops += 1
    counts.reused += reused
    for file in unmerged:
        path = clone / file
        text = path.read_text(encoding="utf-8")
        counts.files += 1
        counts.branding += file in _BRANDED
        # A file that one side deleted has no marks.
        counts.hunks += sum(line.startswith("<<<<<<< ") for line in text.splitlines()) or 1
        if kept.resolution == EDIT_AGAIN:
            text = _with_edits(_git(clone, "show", f"{tag}:{file}"), kept, file)
        else:
            text = "".join(_both_sides(text))
        path.write_text(text, encoding="utf-8")
        _git(clone, "add", file)


def _with_edits(text: str, kept: _Fork, file: str) -> str:
    """Returns a file's text with all that a fork edits in it; it is all in one commit."""
    for commit in EDITS[kept.edits]:
        for edit in commit:
            if edit.file == file:
                text = edited(text, edit)
    return text


def _both_sides(text: str) -> Iterator[str]:
    """Yields the lines of a file with conflicts without the marks of these."""
    within = False
    for line in text.splitlines(keepends=True):
        if line.startswith("<<<<<<< "):
            within = True
        elif line.startswith(">>>>>>> "):
            within = False
        elif not (within and line == "=======\n"):
            yield line


def _git(clone: Path, *arguments: str) -> str:
    return must("git", *arguments, cwd=clone, **_GIT)


def main() -> None:
    """Reads the option, measures and prints the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fork_peers", description="Counts what the usual ways to keep a fork cost."
    )
    parser.add_argument("--resolution", choices=RESOLUTIONS, default=BOTH_SIDES)
    options = parser.parse_args()
    print(peers_section(run_peers(upstream(), resolution=options.resolution)))


if __name__ == "__main__":
    main()

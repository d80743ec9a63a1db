"""What becomes of each of the author's files, for ADOPTING.md."""

from __future__ import annotations

import re
from collections.abc import Iterator

from provider_template.adopt.adoption import Adoption, box, listed
from provider_template.adopt.layout import PROJECT_FILE

_TEST = re.compile(r"(.*/)?(test_[^/]*|[^/]*_test)\.py")
# Files that stay, by what their paths look like; the first that fits.
_STAYING = (
    (
        r"setup\.(py|cfg)|MANIFEST\.in",
        f"Hatchling does not read it; bring over to `{PROJECT_FILE}` what it says, and delete it.",
    ),
    (r"uv\.lock", "`make lock` renews it."),
    (
        r"(poetry|pdm|Pipfile)\.lock|requirements[\w.-]*\.txt",
        "`uv.lock` takes its place, where nothing else reads it.",
    ),
    (r"\.python-version", "the Python in it has to be one that the package supports."),
    (
        r"(.*/)?\.env(\.(?!example|sample|template)[^/]*)?",
        "it is in git: if there are secrets in it, take it out and replace them.",
    ),
)


def files_in_adopted(adoption: Adoption) -> Iterator[str]:
    """Yields a line for each file that the template's has taken the place of."""
    for old, new in sorted(adoption.placed.adopted.items()):
        if _TEST.fullmatch(old):
            continue  # has a section of its own
        yield box(f"`{new}`: {adoption.placed.reasons[old]}. {_advice(adoption, old)}")


def tests(adoption: Adoption) -> Iterator[str]:
    """Yields which tests of the author's still run, which do not, and why."""
    placed = adoption.placed
    mine = {old: new for old, new in sorted(placed.paths.items()) if _TEST.fullmatch(old)}
    stay = [new for old, new in mine.items() if old not in placed.adopted]
    run = [path for path in stay if path.startswith("tests/")]
    gone = {old: new for old, new in mine.items() if old in placed.adopted}
    if not mine:
        return
    yield f"{len(run)} of {len(mine)} files of tests are run by `make test`, as they were, beside the template's.\n"
    if run:
        yield box(
            f"{listed(run)}: see that they pass. They test what you had, as long as it is there; their lines at the end of `{PROJECT_FILE}` "
            "keep the template's formatter, linter and type checker from them."
        )
    if strays := [path for path in stay if path not in run]:
        yield box(f"{listed(strays)}: `make test` runs what is in `tests/`; move them there.")
    shared = "tests/conftest.py"
    if shared in placed.unchecked and "autouse=True" in (adoption.sources.text(_old(adoption, shared)) or ""):
        yield box(f"`{shared}` has fixtures with `autouse`, which hold for the template's tests, too.")
    if gone:
        yield box(
            "The others are in `adopted/`, and no tool runs them there. Their cases go into `tests/test_transformation.py` or a file of your own "
            "beside it, what they play of the API into `tests/upstream.py`. "
            f"On the commit that was adopted they run as ever: `git worktree add ../before {adoption.before}`"
        )
        yield from (f"  - `{new}`: {placed.reasons[old]}" for old, new in gone.items())


def _old(adoption: Adoption, path: str) -> str:
    return next(old for old, new in adoption.placed.paths.items() if new == path)


def _advice(adoption: Adoption, path: str) -> str:
    name = path.rpartition("/")[2]
    text = adoption.sources.text(path) or ""
    if path == PROJECT_FILE:
        return "See below."
    if name.lower() in ("makefile", "gnumakefile"):
        targets = dict.fromkeys(re.findall(r"(?m)^([A-Za-z0-9][\w.-]*)\s*:(?!=)", text))
        return (
            f"Its targets ({listed(targets)}) go into `local.mk`, where the template's Makefile has none of that name."
        )
    if path.startswith(("test/", "tests/")):
        return "Bring over what your tests need of it."
    if path.endswith((".py", ".pyi")):
        return _advice_on_code(adoption, path)
    if path.startswith((".github/", ".gitlab-ci")):
        return f"For what the template's lacks, {adoption.files.instead_of(path)}."
    if path.startswith("proxy/"):
        module = adoption.answers["module_name"]
        return f"The new one names `{module}.provider` as `custom_handler`; bring your models and settings over."
    if adoption.files.owner(path) == "template":
        return f"For what you need of it, {adoption.files.instead_of(path)}."
    return "Bring over what you need of it."


def _advice_on_code(adoption: Adoption, path: str) -> str:
    if adoption.layout is None or path not in adoption.layout.code:
        return "Mend it, and put it back if you need it."
    if path == f"{adoption.layout.folder}__init__.py":
        return "The package offers `provider` and `register()` now: tell its users of other names that they import."
    if any(one.where.startswith(f"{path}:") for one in adoption.code.functions):
        return "Its parts are above."
    return "Write what the package still needs into a module of your own."


def files_that_stay(adoption: Adoption) -> Iterator[str]:
    """Yields what there is to do about the files that are where they were, or moved into place."""
    placed = adoption.placed
    stay = {old: new for old, new in sorted(placed.paths.items()) if old not in placed.adopted}
    moved = [f"`{old}` → `{new}`" for old, new in stay.items() if old != new]
    if moved:
        yield box(f"Moved, with nothing changed: {', '.join(moved)}")
    if naming := _naming_the_old_folder(adoption, stay):
        folder = adoption.layout.folder if adoption.layout else ""
        yield box(f"`{folder}` is `src/{adoption.answers['module_name']}/` now: see {listed(naming)}.")
    if code := [path for path in placed.unchecked if not _TEST.fullmatch(path)]:
        yield box(
            f"{listed(code)}: code of yours that the template's files do not use. Delete what the template does now; "
            f"for the rest, take its lines out at the end of `{PROJECT_FILE}`, and format, lint and type check it with the others."
        )
    for path in stay:
        if path.startswith(".github/workflows/"):
            publishes = re.search(r"pypi-publish|\bpublish\b|twine upload", adoption.sources.text(path) or "")
            more = " It publishes, and so may the template's `release.yml`: keep one of the two." if publishes else ""
            yield box(f"`{path}` runs beside the template's workflows: take out what those do.{more}")
        elif path.endswith((".yaml", ".yml")) and "custom_handler" in (adoption.sources.text(path) or ""):
            module = adoption.answers["module_name"]
            yield box(f"`{path}`: `custom_handler` is `{module}.provider` now.")
        elif words := next((words for pattern, words in _STAYING if re.fullmatch(pattern, path)), ""):
            yield box(f"`{path}`: {words}")
    mine = [path for path in adoption.files.yours if path in stay.values()]
    if mine:
        yield box(f"{listed(mine)}: yours, and as they were. Read in them what is no longer so.")


def _naming_the_old_folder(adoption: Adoption, stay: dict[str, str]) -> list[str]:
    """Returns the files that name a folder which has moved."""
    layout = adoption.layout
    if layout is None or not layout.folder or layout.folder == f"src/{adoption.answers['module_name']}/":
        return []
    pattern = re.compile(rf"(?<![\w/.-]){re.escape(layout.folder)}")
    found = [new for old, new in stay.items() if pattern.search(adoption.sources.text(old) or "")]
    return [*found, *([PROJECT_FILE] if pattern.search(adoption.sources.text(PROJECT_FILE) or "") else [])]

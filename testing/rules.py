"""What in the template would harm the packages that were made from it, or those that will be.

Each rule returns one sentence for each finding. They read the template's sources; what only a render shows is among the
checks of renders. Several compare the working tree with the last released tag, so a clone needs its history and tags;
`make tags` makes them.
"""

from __future__ import annotations

import os
import re
import runpy
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import yaml
from packaging.version import InvalidVersion, Version

from scripts import template_files
from testing.answers import ROOT
from testing.values import TEXTS

if TYPE_CHECKING:
    from copier._user_data import Question

# Question files by their paths, and what each of them sets.
Parts: TypeAlias = dict[str, dict[str, Any]]
Config: TypeAlias = dict[str, Any]

_PACKAGE = "template/package"
_FORK = "template/fork"
_MOVES = "hooks/moves.yml"
# What a fork's answers were called in template/: they are where they were, and nobody edits them.
_ANSWERS = ("{{ _copier_conf.answers_file }}",)

# What is another one in each of the renders that an update compares.
_ELSEWHERE = re.compile(r"\b_folder_name\b|\b_copier_conf\s*\.\s*dst_path\b")
_CHANGING = re.compile(r"\bnow\s*\(|\w*(?:strftime|random|shuffle)\w*")
# The settings that may say where the render is: texts for people, and what tells an update from its two renders.
_MAY_SAY_WHERE = re.compile(r".*: _message_\w+|questions/files\.yml: .*")

_ILLEGAL = re.compile(r'["<>:|?*\\]')


class _Loader(yaml.SafeLoader):
    """Reads copier.yml; an include becomes the path that it names."""


def _include(loader: _Loader, node: yaml.ScalarNode) -> dict[str, object]:
    return {"!include": loader.construct_scalar(node)}


_Loader.add_constructor("!include", _include)


def _parts(read: Callable[[str], str]) -> Parts:
    """Returns the settings and questions of a template, of which `read` returns the files."""
    parts: Parts = {"copier.yml": {}}
    for document in yaml.load_all(read("copier.yml"), Loader=_Loader):
        if "!include" in document:
            parts[document["!include"]] = yaml.safe_load(read(document["!include"])) or {}
        else:
            parts["copier.yml"].update(document)
    return parts


def _merged(parts: Parts) -> Config:
    return {name: value for part in parts.values() for name, value in part.items()}


@dataclass(frozen=True)
class Template:
    """A template in the working tree of a git repository, and what it was at the last tag; read when a rule first asks."""

    root: Path

    def git(self, *arguments: str) -> str:
        """Returns what git prints; raises CalledProcessError when it fails."""
        command = ["git", *arguments]
        return subprocess.run(command, cwd=self.root, text=True, stdout=subprocess.PIPE, check=True).stdout

    @cached_property
    def tag(self) -> str | None:
        """The newest released tag before HEAD, or None. As for Copier, a prerelease is no release."""
        # A tag on HEAD is the release under way, which has to be compared with the one before.
        tags = self.git("tag", "--merged", "HEAD", "--no-contains", "HEAD").split()
        released = [tag for tag in tags if (version := _version(tag)) and not version.is_prerelease]
        return max(released, key=Version, default=None)

    @cached_property
    def parts(self) -> Parts:
        """The settings and questions, by file."""
        return _parts(lambda path: (self.root / path).read_text(encoding="utf-8"))

    @cached_property
    def config(self) -> Config:
        """The settings and questions."""
        return _merged(self.parts)

    @cached_property
    def old(self) -> Config:
        """The settings and questions at the last tag; nothing when there is none."""
        return _merged(_parts(lambda path: self.git("show", f"{self.tag}:{path}"))) if self.tag else {}

    @cached_property
    def old_paths(self) -> set[str]:
        """The rendered paths of a package at the last tag, with their names in Jinja; none when there is no tag."""
        return self._paths_at_tag(_PACKAGE)

    @cached_property
    def old_paths_of_forks(self) -> set[str]:
        """The same of a fork; a link to a folder of the package stands for what is in it."""
        return self._paths_at_tag(_FORK)

    def _paths_at_tag(self, layout: str) -> set[str]:
        if not self.tag:
            return set()
        listed = self.git("ls-tree", "-r", "-z", "--name-only", self.tag, "--", f"{layout}/").split("\0")
        return {_rendered_path(source, layout) for source in listed if source}

    @cached_property
    def sources(self) -> list[str]:
        """The paths of the files in template/, macros included, sorted; none behind a link, as each is there once."""
        found = (path for path in self._entries if path.is_file() and not path.is_symlink())
        return sorted(p.relative_to(self.root).as_posix() for p in found)

    @cached_property
    def links(self) -> list[str]:
        """The paths of the links in template/, by which a fork has the package's files."""
        return [p.relative_to(self.root).as_posix() for p in self._entries if p.is_symlink()]

    @cached_property
    def _entries(self) -> list[Path]:
        entries = (
            Path(folder, name)
            for folder, folders, names in os.walk(self.root / "template", followlinks=False)
            for name in (*folders, *names)
        )
        return [path for path in entries if "__pycache__" not in path.parts]

    def text(self, source: str) -> str:
        """Returns the text of a file of the template."""
        return (self.root / source).read_text(encoding="utf-8")

    def old_text(self, source: str) -> str:
        """Returns the text of a file that validators of the last tag include.

        What those compare with in template/, such as the versions of LiteLLM that must not run, is read as it is now.
        """
        return self.git("show", f"{self.tag}:{source}") if source.startswith("questions/") else self.text(source)

    def newer_migrations(self) -> set[Version]:
        """Returns the versions of the migrations that an update from the last tag runs."""
        found = {_version(version) for version in _migrations(self.config)}
        return {version for version in found if version and self.tag and version > Version(self.tag)}


def _version(text: object) -> Version | None:
    try:
        return Version(str(text))
    except InvalidVersion:
        return None


def _migrations(config: Config) -> list[object]:
    """Returns the version of each migration, None where it has none."""
    found = config.get("_migrations") or []
    return [migration.get("version") if isinstance(migration, dict) else None for migration in found]


def _rendered_path(source: str, layout: str = _PACKAGE) -> str:
    """Returns the path that a file of a layout renders to, its names in Jinja, without conditions."""
    path = source.removeprefix(f"{layout}/").removesuffix(".jinja")
    return re.sub(r"\{%.*?%\}", "", path)


def _shortened(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:77]}..."


def _has_default(question: Mapping[str, Any]) -> bool:
    # Only these types take null for an answer.
    return question.get("default") is not None or ("default" in question and question.get("type") in ("json", "yaml"))


def missing_defaults(template: Template) -> list[str]:
    """Finds questions without a default: an update that asks nothing breaks off at them."""
    return [
        f"{file}: {name} has no default, and an update that asks nothing breaks off at it: give it one."
        for file, part in template.parts.items()
        for name, question in part.items()
        if not name.startswith("_") and isinstance(question, dict) and not _has_default(question)
    ]


def _recorded(config: Config) -> dict[str, dict[str, Any]]:
    """Returns the questions whose answers are recorded."""
    return {
        name: question
        for name, question in config.items()
        if not name.startswith("_")
        and isinstance(question, dict)
        and question.get("when") is not False
        and not question.get("secret")
    }


def copiers(config: Config, read: Callable[[str], str] | None = None) -> dict[str, tuple[Question, object]]:
    """Returns Copier's own question and its default for each, as it asks somebody who takes every default.

    Args:
        config: the settings and questions.
        read: gives the text of a file that validators include, by its path; else those of the working tree are read.
    """
    import jinja2
    from copier._jinja_ext import SandboxedEnvironment
    from copier._user_data import AnswersMap, Question

    options = {
        "keep_trailing_newline": True,
        **config.get("_envops", {}),
        "extensions": ["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
        "undefined": jinja2.StrictUndefined,
    }
    loader = jinja2.FunctionLoader(read) if read else jinja2.FileSystemLoader(ROOT)
    environment = SandboxedEnvironment(loader=loader, **options)
    found: dict[str, tuple[Question, object]] = {}
    # Validators read the answers to earlier questions, also to those that are not asked. At a first copy, the
    # project has no data of its own.
    context: dict[str, Any] = {
        "_external_data": defaultdict(dict),
        "_copier_conf": {"skip_answered": False},
    }
    for name, details in config.items():
        if not name.startswith("_") and isinstance(details, dict):
            question = Question(
                var_name=name,
                answers=AnswersMap(),
                context=dict(context),
                jinja_env=environment,
                **details,
            )
            given = _has_default(details)
            context[name] = question.parse_answer(question.render_value(details["default"])) if given else None
            found[name] = (question, context[name])
    return found


def _takes(question: Question, answer: object) -> bool:
    """Tells whether Copier takes an answer that was recorded; for a list, one of its elements."""
    try:
        question.validate_answer(question.parse_answer([answer] if question.multiselect else answer))
    except (ValueError, TypeError):
        return False
    return True


def lost_answers(template: Template) -> list[str]:
    """Finds answers that the last tag takes and the working tree refuses, tried on choices, defaults and odd texts.

    An update puts the default in the place of such an answer, without a word. A migration to a version after the tag
    is there to convert them.
    """
    if not template.tag or template.newer_migrations():
        return []
    mend = f"or add a migration to a version after {template.tag} that converts it."
    found: list[str] = []
    old, new = copiers(template.old, template.old_text), copiers(template.config, template.text)
    for name in _recorded(template.old):
        if name not in _recorded(template.config):
            found.append(
                f"{name}: is not asked any more since {template.tag}, and an update drops its answer: ask it, {mend}"
            )
            continue
        question, default = old[name]
        offered = [choice.value for choice in question._formatted_choices]
        texts = [] if offered else [text for text in (default, *TEXTS.get(name, ())) if text is not None]
        was = "a choice" if offered else "accepted"
        found += [
            f"{name}: {_shortened(answer)} is {was} at {template.tag} and refused now, and an update puts the default "
            f"in its place: accept it, {mend}"
            for answer in [*offered, *texts]
            if _takes(question, answer) and not _takes(new[name][0], answer)
        ]
    return found


def lost_paths(template: Template) -> list[str]:
    """Finds files that are not rendered any more since the last tag: an update deletes them, edits and all.

    The author's are safe from that. For others, hooks/moves.yml says where they went, and a migration moves the edits.
    """
    moves_file = template.root / _MOVES
    moves = yaml.safe_load(moves_file.read_text(encoding="utf-8")) if moves_file.is_file() else None
    whose = template_files.layouts(template.root)
    lost = {
        path: layout
        for layout, before in ((_PACKAGE, template.old_paths), (_FORK, template.old_paths_of_forks))
        for path in before - _paths_now(template, layout)
    }
    found: list[str] = []
    for path, layout in sorted(lost.items()):
        if whose[Path(layout).name].owner(template_files.plain(path)) == "yours" or path in _ANSWERS:
            continue
        listed = {_version(version) for version, paths in (moves or {}).items() if path in (paths or {})}
        newer = {version for version in listed if version and version > Version(template.tag or "0")}
        if not newer:
            found.append(
                f"{path}: rendered at {template.tag} and not now, and an update deletes it with all edits: keep it, or "
                f"list it in {_MOVES} under a version after {template.tag}, with a migration to that version."
            )
        elif not newer & template.newer_migrations():
            version = max(newer)
            found.append(
                f"{path}: {_MOVES} lists it under {version}, but no migration does what the list says: add one with "
                f"`version: v{version}` to _migrations in copier.yml."
            )
    return found


def _paths_now(template: Template, layout: str) -> set[str]:
    there = [*template.sources, *template.links]
    return {_rendered_path(source, layout) for source in there if source.startswith(f"{layout}/")}


def _code(text: str) -> str:
    """Returns the Jinja code in a text, without strings and comments."""
    import jinja2

    tokens = jinja2.Environment(autoescape=True).lex(text)
    code = [value for _, kind, value in tokens if kind not in ("data", "comment", "string")]
    return " ".join("".join(code).split())


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _strings(key)
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)


def changing_code(template: Template) -> list[str]:
    """Finds Jinja that renders something else at another place or time: an update takes that for a change."""
    code = {f"{file} (its name)": _code(file) for file in template.sources}
    code |= {file: _code(template.text(file)) for file in template.sources if file.endswith(".jinja")}
    code |= {
        f"{file}: {name}": " ".join(_code(text) for text in _strings(value))
        for file, part in template.parts.items()
        for name, value in part.items()
    }
    return [
        f"{where}: uses {word}, which differs from render to render, and an update takes that for a change of the "
        "template: take it from an answer, or leave it out."
        for where, jinja in code.items()
        for word in dict.fromkeys(
            [
                *_CHANGING.findall(jinja),
                *([] if _MAY_SAY_WHERE.fullmatch(where) else _ELSEWHERE.findall(jinja)),
            ]
        )
    ]


def _outside(path: str) -> bool:
    return bool(re.match(r"[/\\~]|[A-Za-z]:", path)) or ".." in re.split(r"[/\\]", path)


def asks_for_trust(template: Template) -> list[str]:
    """Finds settings with which Copier refuses to copy or to update unless it is told to trust the template."""
    found = [
        f"{file}: {setting} runs code on the author's machine, for which Copier wants --trust: do without it."
        for file, part in template.parts.items()
        for setting in ("_tasks", "_jinja_extensions")
        if part.get(setting)
    ]
    found += [
        f"{file}: _external_data reads {path!r} outside the project, for which Copier wants --trust: read a file of "
        "the project."
        for file, part in template.parts.items()
        for path in (part.get("_external_data") or {}).values()
        if _outside(path)
    ]
    versions = _migrations(template.config)
    mend = "give it the version that it leads to, such as v1.2.0."
    found += [
        f"copier.yml: _migrations has one with no version, and every update would run it and want --trust: {mend}"
        if version is None
        else f"copier.yml: _migrations has one with the version {version!r}, which is none, and no update can tell when "
        f"to run it: {mend}"
        for version in versions
        if _version(version) is None
    ]
    if template.tag:
        before = [_version(version) for version in _migrations(template.old)]
        now = [version for text in versions if (version := _version(text))]
        # Counted, not compared: the command of an old migration may be mended.
        found += [
            f"copier.yml: _migrations has one to {version} that {template.tag} has not, and an update from there does "
            f"not run it: give it a version after {template.tag}."
            for version in sorted(set(now))
            if version <= Version(template.tag) and now.count(version) > before.count(version)
        ]
    return found


def illegal_names(template: Template) -> list[str]:
    """Finds names of files that Windows refuses, as they stand in template/."""
    return [
        f"{source}: has {', '.join(sorted(set(_ILLEGAL.findall(source))))} in its name, and Windows cannot check the "
        "template out: name it otherwise."
        for source in template.sources
        if _ILLEGAL.search(source)
    ]


def conditional_names(template: Template) -> list[str]:
    """Finds names of files with a condition in them."""
    return [
        f"{source}: has a condition in its name, and neither an editor nor a linter knows what it is: leave it out, and "
        "put what the file renders to under `when` in files.yml."
        for source in (*template.sources, *template.links)
        if "{%" in source
    ]


def needless_jinja(template: Template) -> list[str]:
    """Finds files that are rendered although there is nothing in them to render.

    The licences stay alike, and the files of git have other names so that git does not heed them here.
    """
    return [
        f"{source}: has no Jinja in it, and rendering it costs time: leave .jinja off its name."
        for source in template.sources
        if source.endswith(".jinja")
        and not re.search(r"LICENSE|^template/licenses/|/\.git[a-z]+\.jinja$", source)
        and not re.search(r"\{\{|\{%|\{#", template.text(source))
    ]


def stale_files(template: Template) -> list[str]:
    """Finds files that are not what scripts/template_files.py makes of files.yml."""
    # Run, not imported: the script writes below the folder that it lies in.
    wanted: dict[Path, str] = runpy.run_path(str(template.root / "scripts" / "template_files.py"))["files"]()
    return [
        f"{path.relative_to(template.root).as_posix()}: is not what files.yml says: run make files."
        for path, text in wanted.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]


RULES: tuple[Callable[[Template], list[str]], ...] = (
    missing_defaults,
    lost_answers,
    lost_paths,
    changing_code,
    asks_for_trust,
    illegal_names,
    conditional_names,
    needless_jinja,
    stale_files,
)

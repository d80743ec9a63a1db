"""Writes what follows from owners.yml: Copier's settings, and the list of files that every render carries along.

`python -m scripts.owners` writes questions/owners.yml and the .template-files.yml.jinja of each layout; with
`--check` it exits with 1 when one of them is not current.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pathspec import GitIgnoreSpec

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = ROOT / "questions" / "owners.yml"
# The list of each layout, which lies in the layout's folder of template/.
FILES = {
    "package": ROOT / "template" / "package" / ".template-files.yml.jinja",
    "fork": ROOT / "template" / "fork" / "fork" / "{{ folder }}" / ".template-files.yml.jinja",
}
# Written by Copier, and by this script.
NOBODYS = ("{{ _copier_conf.answers_file }}.jinja", ".template-files.yml.jinja")

# Where Copier keeps a package's answers; a fork has them beside its lists.
_ANSWERS = {"package": "answers: '{{ _copier_conf.answers_file }}'\n", "fork": ""}

# What reads the list, in words.
_READERS = {"package": "`make check`", "fork": "conformance/template_files.py among the tests"}

_SETTINGS = """\
# Made by scripts/owners.py from owners.yml; do not edit.
_skip_if_exists:
{patterns}

# Copier would bring back what an author deleted, and delete what an answer turns off, edits and all. So an update
# leaves out the author's files that an earlier render made, and the two renders that it compares leave out all.
_external_data:
  template_files: "{{% if layout == 'fork' %}}fork/{{{{ folder }}}}/{{% endif %}}.template-files.yml"

_exclude:
  - __pycache__
  - |
    {{%- if _copier_operation == "update" %}}
    {{%- if _copier_conf.dst_path | string | regex_search("[.](old|new)_copy[.]") %}}
{indented}
    {{%- else %}}
    {{%- for path in _external_data.template_files.yours | default([]) %}}
    /{{{{ path }}}}
    {{%- endfor %}}
    {{%- endif %}}
    {{%- endif %}}
"""

_FILES = """\
{{#- Made by scripts/owners.py from owners.yml; do not edit. -#}}
# Template's file: written by updates, never by hand. Whose each file is, and what the template's were rendered with
# (SHA-256): {reader} and updates read it.
{answers}patterns: # the author's, whatever is rendered
{patterns}
yours:
{yours}
shared:{shared}
instead: # where to write what one would like to write into a file of the template
{instead}
template:
{template}
"""


def path_of(source: Path, layout: str) -> str:
    """Returns the path that a file of a layout renders to, with its names in Jinja."""
    return source.relative_to(ROOT / "template" / layout).as_posix().removesuffix(".jinja")


def plain(path: str) -> str:
    """Returns such a path as every answer would render it, with a word in the place of a name."""
    return re.sub(r"\{\{.*?\}\}", "name", re.sub(r"\{%.*?%\}", "", path))


def sources(layout: str) -> list[Path]:
    """Returns the files of a layout that have an owner, sorted by what they render to."""
    # Through links, as Copier goes: a fork's layout has the package's source and tests by links to their folders.
    found = [
        Path(folder, name)
        for folder, _, names in os.walk(ROOT / "template" / layout, followlinks=True)
        for name in names
        if "__pycache__" not in folder
    ]
    return sorted(
        (path for path in found if path.name not in NOBODYS),
        key=lambda path: (plain(path_of(path, layout)), str(path)),
    )


def owner(path: str, owners: Mapping[str, list[str]]) -> str:
    """Returns `yours`, `shared` or `template` for a path; `owners` is what owners.yml has for its layout."""
    for name in ("yours", "shared"):
        if GitIgnoreSpec.from_lines(owners[name]).match_file(path):
            return name
    return "template"


def digest(content: bytes) -> str:
    """Returns the SHA-256 of a text file with the line ends of Unix."""
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()


def _when_rendered(path: str, line: str) -> str:
    """Puts a line under the conditions that a path has in its names; each of them holds for a whole name."""
    conditions = " and ".join(f"({condition})" for condition in re.findall(r"\{% if (.*?) %\}", path))
    return f"{{%- if {conditions} %}}\n{line}\n{{%- endif %}}" if conditions else line


def _template_line(source: Path, layout: str) -> str:
    path = path_of(source, layout)
    shown = re.sub(r"\{%.*?%\}", "", path)
    if source.suffix != ".jinja":
        return _when_rendered(path, f"  {shown}: {digest(source.read_bytes())!r}")
    within = source.relative_to(ROOT).as_posix()
    content = f'{{%- set content %}}{{% include "{within}" %}}{{% endset %}}'
    return _when_rendered(path, f"{content}\n  {shown}: '{{{{ content | hash(\"sha256\") }}}}'")


def files() -> dict[Path, str]:
    """Returns the text of each file that this script writes."""
    owners = yaml.safe_load((ROOT / "owners.yml").read_text(encoding="utf-8"))
    yours = [pattern for layout in FILES for pattern in owners[layout]["yours"]]
    settings = _SETTINGS.format(
        patterns=_indented(2, [f"- {pattern}" for pattern in yours]), indented=_indented(4, yours)
    )
    return {SETTINGS: settings} | {path: _list(layout, owners[layout]) for layout, path in FILES.items()}


def _quoted(text: str) -> str:
    """Returns a text as YAML has it in quotes: the kind that it does not have itself, if there is one."""
    quote = '"' if "'" in text and '"' not in text else "'"
    return quote + text.replace("'", "''" if quote == "'" else "'") + quote


def _list(layout: str, owners: dict[str, Any]) -> str:
    lines: dict[str, list[str]] = {"yours": [], "shared": [], "template": []}
    for source in sources(layout):
        path = path_of(source, layout)
        whose = owner(plain(path), owners)
        if whose == "template":
            lines[whose].append(_template_line(source, layout))
        else:
            shown = re.sub(r"\{%.*?%\}", "", path)
            lines[whose].append(_when_rendered(path, f"  - {shown}"))
    shared = "".join(f"\n{line}" for line in lines.pop("shared")) or " []"
    return _FILES.format(
        reader=_READERS[layout],
        answers=_ANSWERS[layout],
        shared=shared,
        patterns=_indented(2, [f"- {pattern}" for pattern in owners["yours"]]),
        instead=_indented(
            2, [f"{_quoted(pattern)}: {_quoted(text)}" for pattern, text in owners["instead"].items()]
        ),
        **{name: "\n".join(found) for name, found in lines.items()},
    )


def _indented(spaces: int, lines: list[str]) -> str:
    return "\n".join(" " * spaces + line for line in lines)


def main(arguments: list[str]) -> int:
    """Writes the files, or with `--check` only says which are not current; returns the exit status."""
    stale = [
        path
        for path, text in files().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    if "--check" in arguments:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is not current: run make owners")
        return 1 if stale else 0
    for path in stale:
        path.write_text(files()[path], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Writes what follows from owners.yml: Copier's settings, and the list of files that every package carries along.

`python -m scripts.owners` writes questions/owners.yml and template/package/.template-files.yml.jinja;
with `--check` it exits with 1 when one of them is not current.
"""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path

import yaml
from pathspec import GitIgnoreSpec

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "template" / "package"
SETTINGS = ROOT / "questions" / "owners.yml"
FILES = PACKAGE / ".template-files.yml.jinja"
# Written by Copier, and by this script.
NOBODYS = ("{{ _copier_conf.answers_file }}.jinja", FILES.name)

_SETTINGS = """\
# Made by scripts/owners.py from owners.yml; do not edit.
_skip_if_exists:
{patterns}

# Copier would bring back what an author deleted, and delete what an answer turns off, edits and all. So an update
# leaves out the author's files that an earlier render made, and the two renders that it compares leave out all.
_external_data:
  template_files: .template-files.yml

_exclude:
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
# (SHA-256): `make check` and updates read it.
patterns: # the author's, whatever is rendered
{patterns}
yours:
{yours}
shared:
{shared}
instead: # where to write what one would like to write into a file of the template
{instead}
template:
{template}
"""


def path_of(source: Path) -> str:
    """Returns the path that a file of the template renders to, with its names in Jinja."""
    return source.relative_to(PACKAGE).as_posix().removesuffix(".jinja")


def plain(path: str) -> str:
    """Returns such a path as every answer would render it, with a word in the place of a name."""
    return re.sub(r"\{\{.*?\}\}", "name", re.sub(r"\{%.*?%\}", "", path))


def sources() -> list[Path]:
    """Returns the files of the template that have an owner, sorted by what they render to."""
    found = [path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return sorted(
        (path for path in found if path.name not in NOBODYS),
        key=lambda path: (plain(path_of(path)), str(path)),
    )


def owner(path: str, owners: dict[str, list[str]]) -> str:
    """Returns `yours`, `shared` or `template` for a path."""
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


def _template_line(source: Path) -> str:
    path = path_of(source)
    shown = re.sub(r"\{%.*?%\}", "", path)
    if source.suffix != ".jinja":
        return _when_rendered(path, f"  {shown}: {digest(source.read_bytes())!r}")
    within = source.relative_to(ROOT).as_posix()
    content = f'{{%- set content %}}{{% include "{within}" %}}{{% endset %}}'
    return _when_rendered(path, f"{content}\n  {shown}: '{{{{ content | hash(\"sha256\") }}}}'")


def files() -> dict[Path, str]:
    """Returns the text of each file that this script writes."""
    owners = yaml.safe_load((ROOT / "owners.yml").read_text(encoding="utf-8"))
    lines: dict[str, list[str]] = {"yours": [], "shared": [], "template": []}
    for source in sources():
        path = path_of(source)
        whose = owner(plain(path), owners)
        if whose == "template":
            lines[whose].append(_template_line(source))
        else:
            shown = re.sub(r"\{%.*?%\}", "", path)
            lines[whose].append(_when_rendered(path, f"  - {shown}"))
    patterns = [f"- {pattern}" for pattern in owners["yours"]]
    return {
        SETTINGS: _SETTINGS.format(
            patterns="\n".join(f"  {pattern}" for pattern in patterns),
            indented="\n".join(f"    {pattern}" for pattern in owners["yours"]),
        ),
        FILES: _FILES.format(
            patterns="\n".join(f"  {pattern}" for pattern in patterns),
            instead="\n".join(f"  {pattern!r}: {text!r}" for pattern, text in owners["instead"].items()),
            **{name: "\n".join(found) for name, found in lines.items()},
        ),
    }


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

"""Writes what follows from files.yml: Copier's settings, and the list of files that every render carries along.

`python -m scripts.template_files` writes questions/files.yml and the .template-files.yml.jinja of each layout; with
`--check` it exits with 1 when one of them is not current.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from string import ascii_letters

import yaml
from jinja2 import Environment, meta
from pathspec import GitIgnoreSpec

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = ROOT / "questions" / "files.yml"
# The list of each layout, which lies in the layout's folder of template/.
FILES = {
    "package": ROOT / "template" / "package" / ".template-files.yml.jinja",
    "fork": ROOT / "template" / "fork" / "fork" / "{{ folder }}" / ".template-files.yml.jinja",
}
# Written by Copier, and by this script.
NOBODYS = ("{{ _copier_conf.answers_file }}.jinja", "{{ answers_path }}.jinja", ".template-files.yml.jinja")

# Where Copier keeps a package's answers; a fork has them beside its lists.
_ANSWERS = {"package": "answers: '{{ _copier_conf.answers_file }}'\n", "fork": ""}

# How conditions in files.yml name a choice of the question `auth`.
_QUOTED_KIND = "'<auth>'"

# What reads the list, in words.
_READERS = {"package": "`make check`", "fork": "conformance/template_files.py among the tests"}

_SETTINGS = """\
# Made by scripts/template_files.py from files.yml; do not edit.
_skip_if_exists:
{patterns}

# Copier would bring back what an author deleted, and delete what an answer turns off, edits and all. So an update
# leaves out the author's files that an earlier render made, and the two renders that it compares leave out all.
_external_data:
  template_files: "{{% if layout == 'fork' %}}fork/{{{{ folder }}}}/{{% endif %}}.template-files.yml"

_exclude:
  - __pycache__
  # What the answers leave out. Copier matches each path with each of these: a fork has the package's under its own paths.
  - |
    {{%- set left_out %}}
{conditional}
    {{%- endset %}}
    {{%- if layout is defined and layout == 'fork' %}}
    {{{{ left_out{moved} }}}}
    {{%- else %}}
    {{{{ left_out }}}}
    {{%- endif %}}
  # What an update leaves alone.
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

# Conditions and lines are data, and the text is made by two loops: to compile a condition for each file would be among
# the slowest parts of a render.
_FILES = """\
{{#- Made by scripts/template_files.py from files.yml; do not edit. -#}}
{{#- A line of the lists: letters of the conditions that have to hold, or a dash; the path, with * for {name}; of the
    template's files, the SHA-256, or a dash where the answers are in it. -#}}
{{%- set fails = {{
{conditions}
}}.items() | rejectattr(1) | map(attribute=0) | join -%}}
{{%- macro authors(lines) -%}}
{{%- for when, path in lines if not when | select("in", fails) | list %}}
  - {{{{ path | replace("*", {name}) }}}}
{{%- endfor -%}}
{{%- endmacro -%}}
{{%- set yours %}}
{yours}
{{%- endset -%}}
{{%- set shared %}}
{shared}
{{%- endset -%}}
{{%- set template %}}
{template}
{{%- endset -%}}
# Template's file: written by updates, never by hand. Whose each file is, and what the template's were rendered with
# (SHA-256): {reader} and updates read it.
{answers}patterns: # the author's, whatever is rendered
{patterns}
yours:
{{{{- authors(yours.split() | batch(2)) }}}}
shared:{{{{ authors(shared.split() | batch(2)) or " []" }}}}
instead: # where to write what one would like to write into a file of the template
{instead}
template:
{{%- for when, path, digest in template.split() | batch(3) if not when | select("in", fails) | list %}}
{{%- if digest == "-" %}}
{{%- set content %}}{{% include "{folder}/" ~ path | replace("*", "{{{{ {name} }}}}") ~ ".jinja" %}}{{% endset %}}
{{%- set digest = content | hash("sha256") %}}
{{%- endif %}}
  {{{{ path | replace("*", {name}) }}}}: '{{{{ digest }}}}'
{{%- endfor %}}
"""

# What the names of a layout's files have in Jinja.
_NAMES = {"package": "module_name", "fork": "folder"}


@dataclass(frozen=True)
class Layout:
    """What files.yml says of a layout. Patterns are those of .gitignore, for rendered paths."""

    yours: list[str]
    """The author's files."""
    shared: list[str]
    """Files that author and template share."""
    instead: dict[str, str]
    """For files of the template, where to write instead."""
    when: dict[str, list[str]]
    """For conditions in Jinja, the files that are rendered where they hold."""

    def owner(self, path: str) -> str:
        """Returns `yours`, `shared` or `template` for a path."""
        return next((name for name in ("yours", "shared") if matches(getattr(self, name), path)), "template")

    def conditions(self, path: str) -> list[str]:
        """Returns the conditions that all have to hold so that a path is rendered."""
        return [condition for condition, patterns in self.when.items() if matches(patterns, path)]


def matches(patterns: Iterable[str], path: str) -> bool:
    """Tells whether one of the patterns names a path."""
    return GitIgnoreSpec.from_lines(patterns).match_file(path)


def layouts(root: Path = ROOT) -> dict[str, Layout]:
    """Returns what files.yml says of each layout; of the package's files, a fork has the package's conditions.

    Args:
        root: the template's folder.
    """
    found = {
        name: Layout(**{**content, "when": _for_each_kind(content["when"], root)})
        for name, content in yaml.safe_load((root / "files.yml").read_text(encoding="utf-8")).items()
    }
    for link, folder in _links(root / "template").items():
        for condition, patterns in found["package"].when.items():
            here = [f"/{link}{found[len(folder) + 1 :]}" for found in patterns if found.startswith(f"/{folder}/")]
            if here:
                found["fork"].when.setdefault(condition, []).extend(here)
    return found


def _for_each_kind(when: dict[str, list[str]], root: Path) -> dict[str, list[str]]:
    """Returns conditions with those that name <auth> written out, once for each choice of that question."""
    found: dict[str, list[str]] = {}
    for condition, patterns in when.items():
        for kind in _kinds(root) if "<auth>" in condition else [""]:
            named = [one.replace("<auth>", kind).replace("<auth-page>", kind.replace("_", "-")) for one in patterns]
            found[condition.replace("<auth>", kind)] = named
    return found


def _kinds(root: Path) -> list[str]:
    """Returns the choices of the question `auth`."""
    questions = yaml.safe_load((root / "questions" / "auth.yml").read_text(encoding="utf-8"))
    return [*questions["auth"]["choices"].values()]


def _links(template: Path) -> dict[str, str]:
    """Returns the links of a fork to folders of the package, as patterns: the link, and the folder."""
    top, package = template / "fork", template / "package"
    # In an order of their own: folders are listed in that of the file system.
    links = sorted(
        Path(folder, name) for folder, names, _ in os.walk(top) for name in names if Path(folder, name).is_symlink()
    )
    return {
        _pattern(link.relative_to(top)): _pattern(link.resolve().relative_to(package))
        for link in links
        if link.resolve().is_relative_to(package)
    }


def _pattern(path: Path) -> str:
    return re.sub(r"\{\{.*?\}\}", "*", path.as_posix())


def path_of(source: Path, layout: str) -> str:
    """Returns the path that a file of a layout renders to, with its names in Jinja."""
    return source.relative_to(ROOT / "template" / layout).as_posix().removesuffix(".jinja")


def plain(path: str) -> str:
    """Returns such a path with a word in the place of a name."""
    return re.sub(r"\{\{.*?\}\}", "name", path)


def sources(layout: str) -> list[Path]:
    """Returns the files of a layout that have an owner, sorted by what they render to."""
    # Through links, as Copier goes: a fork's layout has the package's source and tests by links to their folders.
    found = [
        Path(folder, name)
        for folder, _, names in os.walk(ROOT / "template" / layout, followlinks=True)
        for name in names
        if "__pycache__" not in folder
    ]
    return sorted((path for path in found if path.name not in NOBODYS), key=lambda path: plain(path_of(path, layout)))


def digest(content: bytes) -> str:
    """Returns the SHA-256 of a text file with the line ends of Unix."""
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()


def _left_out(root: Path = ROOT) -> list[str]:
    """Returns what is excluded where a condition does not hold, as lines of Jinja with the paths of a package.

    An update by Copier renders the old version without what the new one leaves out, with the old version's answers: it may
    not know a question yet, and leaves nothing out then.
    """
    said = yaml.safe_load((root / "files.yml").read_text(encoding="utf-8"))
    # By the questions that conditions ask for.
    found: dict[tuple[str, ...], dict[str, list[str]]] = {}
    for layout in said.values():
        for condition, patterns in layout["when"].items():
            names = meta.find_undeclared_variables(Environment(autoescape=True).parse(f"{{{{ {condition} }}}}"))
            found.setdefault(tuple(sorted(names)), {}).setdefault(condition, []).extend(patterns)
    lines: list[str] = []
    for known, conditions in found.items():
        lines.append(f"{{%- if {' and '.join(f'{name} is defined' for name in known)} %}}")
        for condition, patterns in conditions.items():
            if "<auth>" in condition:
                fails = f"for kind in {_kinds(root)} if not ({condition.replace(_QUOTED_KIND, 'kind')})", "endfor"
            else:
                fails = f"if not ({condition})", "endif"
            lines += [f"{{%- {fails[0]} %}}", *map(_of_kind, dict.fromkeys(patterns)), f"{{%- {fails[1]} %}}"]
        lines.append("{%- endif %}")
    return lines


def _of_kind(pattern: str) -> str:
    return pattern.replace("<auth>", "{{ kind }}").replace("<auth-page>", "{{ kind | replace('_', '-') }}")


def _moved() -> str:
    """Returns filters that turn a package's patterns, one a line, into those of a fork."""
    return "".join(f' | replace("\\n/{folder}/", "\\n/{link}/")' for link, folder in _links(ROOT / "template").items())


def files() -> dict[Path, str]:
    """Returns the text of each file that this script writes."""
    found = layouts()
    yours = [pattern for layout in found.values() for pattern in layout.yours]
    settings = _SETTINGS.format(
        patterns=_indented(2, [f"- {pattern}" for pattern in yours]),
        conditional=_indented(4, _left_out()),
        moved=_moved(),
        indented=_indented(4, yours),
    )
    return {SETTINGS: settings} | {path: _list(name, found[name]) for name, path in FILES.items()}


def _quoted(text: str) -> str:
    """Returns a text as YAML has it in quotes: the kind that it does not have itself, if there is one."""
    quote = '"' if "'" in text and '"' not in text else "'"
    return quote + text.replace("'", "''" if quote == "'" else "'") + quote


def _list(name: str, layout: Layout) -> str:
    letters: dict[str, str] = {}
    lines: dict[str, list[str]] = {"yours": [], "shared": [], "template": []}
    for source in sources(name):
        path = path_of(source, name)
        owner = layout.owner(plain(path))
        when = "".join(
            letters.setdefault(condition, ascii_letters[len(letters)]) for condition in layout.conditions(plain(path))
        )
        words = [when or "-", path.replace(f"{{{{ {_NAMES[name]} }}}}", "*")]
        if owner == "template":
            words.append("-" if source.suffix == ".jinja" else digest(source.read_bytes()))
        if len(" ".join(words).split()) != len(words) or "{" in words[1]:
            raise ValueError(
                f"{path}: a name has a blank in it, or other Jinja than the layout's name; name it otherwise."
            )
        lines[owner].append(" ".join(words))
    return _FILES.format(
        name=_NAMES[name],
        folder=f"template/{name}",
        reader=_READERS[name],
        answers=_ANSWERS[name],
        conditions="\n".join(f'  "{letter}": {condition},' for condition, letter in letters.items()),
        patterns=_indented(2, [f"- {pattern}" for pattern in layout.yours]),
        instead=_indented(2, [f"{_quoted(pattern)}: {_quoted(text)}" for pattern, text in layout.instead.items()]),
        **{owner: "\n".join(found) for owner, found in lines.items()},
    )


def _indented(spaces: int, lines: list[str]) -> str:
    return "\n".join(" " * spaces + line for line in lines)


def main(arguments: list[str]) -> int:
    """Writes the files, or with `--check` only says which are not current; returns the exit status."""
    stale = [path for path, text in files().items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    if "--check" in arguments:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is not current: run make files")
        return 1 if stale else 0
    for path in stale:
        path.write_text(files()[path], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

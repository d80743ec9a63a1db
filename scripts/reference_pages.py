"""Writes the pages of docs/ that follow from the template: questions.md from the questions, rendered.md from a render."""

from __future__ import annotations

import ast
import re
import tempfile
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment

from testing.answers import ROOT, questions
from testing.support import copy_template, render

DOCS = ROOT / "docs"

# What the conditions of questions are in words.
_WHEN = {
    "": "always",
    "auth in ['token_file', 'token_command']": "`auth` is `token_file` or `token_command`",
    "auth == 'api_key'": "`auth` is `api_key`",
    "auth == 'oauth_authorization_code'": "`auth` is `oauth_authorization_code`",
    "api_format == 'sdk'": "`api_format` is `sdk`",
    "auth == 'api_key' and api_format != 'sdk'": "`auth` is `api_key` and `api_format` is not `sdk`",
    "api_format != 'sdk'": "`api_format` is not `sdk`",
    "api_format == 'sdk' and sdk_kind == 'python'": "`api_format` is `sdk` and `sdk_kind` is `python`",
    "api_format == 'sdk' and sdk_kind == 'program'": "`api_format` is `sdk` and `sdk_kind` is `program`",
    "'embeddings' in capabilities": "`capabilities` has `embeddings`",
    "'images' in capabilities or 'image_edits' in capabilities": "`capabilities` has `images` or `image_edits`",
    "auth == 'oauth_device_code'": "`auth` is `oauth_device_code`",
    "'oauth' in auth_parts": "`auth` or `auth_fallback` is one of OAuth",
    "'oauth' in auth_parts and auth != 'oauth_refresh_token'": (
        "`auth` or `auth_fallback` is one of OAuth, but not `oauth_refresh_token`"
    ),
    "auth in ['oauth_refresh_token', 'token_file']": "`auth` is `oauth_refresh_token` or `token_file`",
    "auth == 'oauth_refresh_token'": "`auth` is `oauth_refresh_token`",
    "auth == 'token_command'": "`auth` is `token_command`",
    "auth == 'token_file'": "`auth` is `token_file`",
    "'signed_jwt' in auth_kinds": "`auth` or `auth_fallback` is `signed_jwt`",
    "layout == 'package'": "`layout` is `package`",
    "layout == 'fork'": "`layout` is `fork`",
    "layout == 'package' and ci != 'none'": "`layout` is `package` and `ci` is not `none`",
    "auth == 'api_key' and api_key_in == 'query'": "`auth` is `api_key` and `api_key_in` is `query`",
    "auth != 'none' and not (auth == 'api_key' and api_key_in == 'query')": (
        "a key or token goes into a header: `auth` is not `none`, and `api_key_in` is not `query`"
    ),
    "'oauth' in auth_parts or auth in ['token_file', 'token_command']": (
        "`auth` or `auth_fallback` is one of OAuth, or `auth` is `token_file` or `token_command`"
    ),
    "'store' in auth_parts": (
        "tokens are kept: `auth` or `auth_fallback` is one of OAuth (but `oauth_refresh_token`), `signed_jwt` or `token_command`"
    ),
}

_QUESTIONS = """\
<!-- Made by scripts/reference_pages.py from questions/*.yml; do not edit. -->
# Questions

`copier copy` asks these in this order; each has a default. `--data license=MIT` answers one, `--data-file` many, and `--defaults` asks none.
A wrong answer is asked again, with one sentence that begins with the mend. A secret is never asked for: keys and secrets come from the
environment when calls are made.

## Asked first

{first}

## Asked with `more: ask`

Otherwise these take their defaults, or stay as they were answered. What is recommended gets recorded like any answer, so it stays as it is when
a default changes.

{rest}
"""

_RENDERED = """\
<!-- Made by scripts/reference_pages.py from a render; do not edit. -->
# What is rendered

The {count} files that the default answers give, and whose each is. Yours are rendered once, then never touched again; updates keep the
template's current; in a file of both, the template's part stands above a line, and yours below it. Of Python, the text says what is inside.
[What is mine and what is the template's](ownership.md) says where to write what you would like to change.

```text
{tree}
```
"""


def _condition(name: str) -> str:
    """Returns when a question is asked, in words.

    Args:
        name: the question.

    Raises:
        ValueError: the condition has no words here.
    """
    when = re.sub(r"^\{\{ (.*) \}\}$", r"\1", str(questions()[name].get("when", "")))
    if when not in _WHEN:
        raise ValueError(
            f'give it words in _WHEN of scripts/reference_pages.py; "{when}", when {name} is asked, has none there.'
        )
    return _WHEN[when]


def _default(name: str) -> str:
    """Returns the default of a question: as it is, or the answers that it follows from."""
    default = questions()[name]["default"]
    if "{" not in str(default):
        lines = default if isinstance(default, list) else str(default).splitlines()
        return ", ".join(f"`{line}`" for line in lines) or "nothing"
    code = " ".join(re.findall(r"\{[{%].*?[%}]\}", str(default), re.DOTALL))
    words = set(re.findall(r"\w+", re.sub(r"""'[^']*'|"[^"]*\"""", "", code)))
    if words & {"auth_kinds", "auth_parts"}:
        words |= {"auth", "auth_fallback"}
    known = [other for other in questions() if other in words and other != name]
    if not known:  # an update may ask in another way; this is what `copier copy` takes
        template = Environment(autoescape=True).from_string(str(default))
        return f"`{template.render(_copier_conf={'skip_answered': False})}`"
    return "follows from " + " and ".join(f"`{other}`" for other in known)


def _labels(question: dict[str, Any]) -> list[str]:
    """Returns the choices of a question as lines of a list, each with its label where it has one."""
    offered = question.get("choices") or []
    if isinstance(offered, list):
        return [f"- `{value}`" for value in offered]
    found = {label: value["value"] if isinstance(value, dict) else value for label, value in offered.items()}
    return [f"- `{value}`: {label.removeprefix(f'{value}: ')}" for label, value in found.items()]


def _section(name: str) -> str:
    """Returns what the page says of a question."""
    question = questions()[name]
    condition = _condition(name)
    kind = "Any number of these" if question.get("multiselect") else "One of these"
    choices = _labels(question)
    return "\n".join(
        [
            f"### `{name}`",
            "",
            question["help"].replace("<", "&lt;"),
            "",
            f"Default: {_default(name)}." + ("" if condition == "always" else f" Asked where {condition}."),
            *(["", f"{kind}:", "", *choices] if choices else []),
        ]
    )


def questions_page() -> str:
    """Returns the page that has every question."""
    rest = [name for name, question in questions().items() if "more ==" in str(question.get("ask", ""))]
    first = [name for name in questions() if name not in rest]
    return _QUESTIONS.format(first="\n\n".join(map(_section, first)), rest="\n\n".join(map(_section, rest)))


def _summary(file: Path) -> str:
    """Returns the first line of a Python module's docstring; nothing for other files."""
    if file.suffix != ".py":
        return ""
    line = (ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").partition("\n")[0]
    return re.sub(r" (Template's file|Yours to edit)\b.*", "", line)


def _tree(folder: Path) -> list[str]:
    """Returns the lines of a tree: each file of a render with its owner."""
    listed = yaml.safe_load((folder / ".template-files.yml").read_text(encoding="utf-8"))
    words = {"yours": "yours", "shared": "both", "template": "template's"}
    owners = {path: words[owner] for owner in words for path in listed[owner]}
    owners |= {".template-files.yml": "template's", ".copier-answers.yml": "Copier's"}  # which the list leaves out
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    widest = max(2 * len(path.parents) + len(path.name) for path in files)
    lines: list[str] = []
    shown: set[Path] = set()
    for path in files:
        for parent in reversed(path.parents[:-1]):
            if parent not in shown:
                shown.add(parent)
                lines.append("  " * (len(parent.parents) - 1) + f"{parent.name}/")
        name = "  " * (len(path.parents) - 1) + path.name
        owner = owners[path.as_posix()]
        lines.append(f"{name:{widest}}{owner:12}{_summary(folder / path)}".rstrip())
    return lines


def rendered_page() -> str:
    """Returns the page that has the tree of a default render."""
    with tempfile.TemporaryDirectory() as folder:
        package = render(copy_template(Path(folder) / "template"), Path(folder) / "package", {})
        tree = _tree(package)
    return _RENDERED.format(count=sum(not line.endswith("/") for line in tree), tree="\n".join(tree))


def pages() -> dict[Path, str]:
    """Returns the text of each page that this script writes."""
    return {DOCS / "questions.md": questions_page(), DOCS / "rendered.md": rendered_page()}


def main() -> None:
    """Writes the pages."""
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

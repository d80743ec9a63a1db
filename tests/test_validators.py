"""What each question accepts and refuses, and what a refusal leaves on disk: nothing."""

from __future__ import annotations

import re
import shutil
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest
import yaml

from tests import checks
from tests.answers import Answer, Answers, choices, config, leading_to, questions
from tests.checks import ANSWERS_FILE, same
from tests.support import EVERYTHING, render

COLUMNS = 80
TAKEN = config()["taken_providers"]["default"].split()

# What several questions share; one of them tries all, the others a few, as they have the same rule.
SECURE = (
    "https://h",
    "https://h/",
    "https://a-b.c_d.example:65535/x//y",
    "https://[2001:db8::1]:8443/token",
    "https://h?realm=a&b=/?",
    "https://h/a@b:c",
    "http://localhost",
    "http://127.0.0.1:8080/token",
    "http://[::1]:1/token",
)
INSECURE = (
    "h/token",
    "http://h/token",
    "http://127.0.0.2/token",
    "http://127.0.0.1.example.com/token",
    "http://localhost.example.com",
    "http://localhost@example.com/token",
    "HTTP://example.com",
    "ftp://h",
    "https://",
    "https:///token",
    "https://user:word@h/token",
    "https://user@h/token",
    "https://h:80@example.com/",
    "https://h:0/token",
    "https://h:65536/token",
    "https://h:/token",
    "https://h/token#x",
    "https://h/a b",
    "https://h\\@example.com/",
    "https://h/token\n",
    "https://h/\r\nX-A: b",
    'https://h/"',
    "https://h/{{ x }}",
    "https://é.example.com",
)
KEYS = ("a", "a.b", "a_b-c.1", '"a.b".c', '"a b"', '"$x:/y"', '"it\'s"."雲"')
NO_KEYS = (
    "a b",
    ".a",
    "a.",
    "a..b",
    '"a',
    'a"',
    'a"b"',
    '"a"b',
    '""',
    "a/b",
    "'a'",
    '"a\\b"',
    '"a\nb"',
    "a\n",
    "é",
    "{{a}}",
)
HEADERS = ("", "X: a", "X:a: b", 'X-Y-1:  a "b" c ', "\n X: a\n\nY: b\n", "X: a\rY: b")
# Each is one line, so that it is the one that a refusal quotes.
NO_HEADERS = (
    "X",
    "X:",
    "X: ",
    ": a",
    "X Y: a",
    "X : a",
    "1X: a",
    "X_Y: a",
    "X: é",
    "X: a\tb",
    "X: a\x00b",
    "é: a",
)

GOOD: dict[str, tuple[str, ...]] = {
    "provider_name": ("A", "x" * 60, 'Zoë\'s "AI"', "模型"),
    "provider": ("a", "a1", "a-b_c", "x" * 60, "null", "my-openai"),
    "package_name": ("a", "0", "a.b-c_d", "x" * 100),
    "module_name": ("a", "a_1", "print", "x" * 80, "match", "my_json"),
    "description": ("d", "x" * 300, "{{ braces }}"),
    "author_name": ("a", "x" * 100),
    "author_email": ("", "a@b.c", "a.b+c@d-e.example.org"),
    "api_base": (
        "http://h",
        "https://h:1/v1",
        "https://h:65535",
        "https://a-b.c_d",
        "http://127.0.0.1:8080",
        "https://[::1]/v1",
    ),
    "models": ("m", "a/b:c@d", "m1\nm2", "  m1  \n\n m2\n", "gpt-4o", "no\n1.0"),
    "api_key_query": ("key", "api_key", "a.b-c_d~e", "1"),
    "api_key_header": ("X", "X-Api-Key", "authorization"),
    "api_key_prefix": ("", "Bearer", "Token", "a.b-c_d~e+f"),
    "authorize_url": SECURE[-2:],
    "device_authorization_url": SECURE[-2:],
    "token_url": SECURE,
    "revocation_url": ("", *SECURE[-2:]),
    "client_id": ("", "a", "https://client.example.com/id", "a:b@c", "\"'\\"),
    "scopes": ("", "openid", "a b", "https://h/.default", "a:b/c!d#e[f]g~'"),
    "audience": ("", "a", "https://h", "urn:a:b"),
    "resource": ("", "https://h", "urn:a:b", "a:b"),
    "redirect_uri": (
        "http://127.0.0.1",
        "http://127.0.0.1:1/",
        "http://localhost:65535/a/b-c_d~e.f",
        "http://[::1]/callback",
    ),
    "token_file": ("a", "/run/secrets/token", "~/.acme/auth.json", "C:\\x y\\z", "a'b", "-"),
    "token_command": ("a", "a b", "a 'b \" c'", 'a "b \' c"', "a \\' b", 'a "\\"" b', "a\\ b", "  a"),
    "token_field": KEYS,
    "file_access_token": KEYS[-2:],
    "file_refresh_token": KEYS[-2:],
    "file_expires_at": ("", *KEYS[-2:]),
    "claim_headers": ("", "X: a", "X:a.b", 'X-Y: "a.b/c".d\n\n Y: e ', "X: sub\r\nY: sub"),
    "token_file_headers": HEADERS,
    "jwt_claims": ("", "iss: a", "a: b: c\n\n d.e_f-g:  h i ", "aud: https://h", "EXP: 1"),
    "jwt_headers": HEADERS[-2:],
    "litellm_min": ("1.100.0", "1.106.2", "2.0.0"),
    "fork_name": ("a", "0", "acme_ai-2", "x" * 60),
    "upstream_url": (
        "https://github.com/BerriAI/litellm.git",
        "http://127.0.0.1:8080/a/b.git",
        "git://h/a",
        "file:///srv/git/litellm.git",
        "ssh://git@h:22/a.git",
        "ssh://h/a",
        "git@github.com:BerriAI/litellm.git",
    ),
}

BAD: dict[str, tuple[str, ...]] = {
    "provider_name": ("", " ", " a", "a ", "a\nb", "x" * 61, "a\tb", "a\u2028b", "a\x7fb"),
    "provider": (
        "",
        "Acme",
        "1a",
        "a b",
        "a.b",
        "a/b",
        "-a",
        "a-",
        "a_",
        "x" * 61,
        "é",
        "a\n",
        "nano-gpt",
        "together-ai",
    ),
    "package_name": (
        "",
        "A",
        "-a",
        "a-",
        "a b",
        "x" * 101,
        "litellm",
        "litellm-enterprise",
        "openai",
        "types_pyyaml",
        "a\n",
        "é",
    ),
    "module_name": (
        "",
        "A",
        "1a",
        "a-b",
        "a.b",
        "class",
        "litellm",
        "tests",
        "yaml",
        "json",
        "openai",
        "x" * 81,
        "a\n",
        "é",
    ),
    "description": ("", " ", "a\nb", "x" * 301),
    "author_name": ("", " ", "a\nb", "x" * 101),
    "author_email": ("a", "a@b", "a b@c.d", "@b.c", "a@b.c ", "a@b.c\n", 'a"@b.c', "a@b..c"),
    "api_base": (
        "",
        "example.com",
        "ftp://h/v1",
        "https://",
        "https://h/",
        "https://h/v1/",
        "https://h//v1",
        "https://u:p@h/v1",
        "https://h/v1?k=v",
        "https://h/v1#x",
        "https://h/a b",
        "https://h:65536/v1",
        "https://h:0/v1",
        "https://-/v1",
        "https://.",
        "https://h/v1\n",
        'https://h/"',
        "https://h/{{ x }}",
    ),
    "models": ("", " \n ", "a b", "-m", "m1\nm1", "m1\n m1 ", "acme-ai/m", 'a"b', "{{ m }}", "x" * 201, "é"),
    "api_key_query": ("", "a b", "a=b", "a&b", "a?", "a\n", "é", "a%20", "a[]"),
    "api_key_header": ("", "X Key", "X:Key", "1X", "X_Key", "X\n", "X-Key: a"),
    "api_key_prefix": ("two words", " Bearer", "Bearer ", "a\n", 'a"b', "é"),
    "authorize_url": ("", *INSECURE[:3]),
    "device_authorization_url": ("", *INSECURE[:3]),
    "token_url": ("", *INSECURE),
    "revocation_url": INSECURE[:3],
    "client_id": ("a b", " ", "a\n", "é", "a\x7f"),
    "scopes": (" ", " a", "a ", "a  b", "a\tb", "a\nb", 'a"b', "a\\b", "é"),
    "audience": ("a b", " ", "a\n", "é"),
    "resource": ("a", "/a", "https:", "https://h/a b", "https://h/#a", "a\n", "é:a"),
    "redirect_uri": (
        "",
        "https://127.0.0.1/callback",
        "http://example.com/callback",
        "http://127.0.0.1.example.com/",
        "http://localhost@example.com/",
        "http://127.0.0.1:0/",
        "http://127.0.0.1:65536/",
        "http://127.0.0.1/?a=b",
        "http://127.0.0.1/#a",
        "http://127.0.0.1/a b",
        "http://127.0.0.1/\n",
        "127.0.0.1/callback",
    ),
    "token_file": ("", " ", " a", "a ", "a\n", "a\nb", "a\x00b", 'a"b', "a\u2028b", "a\x85b"),
    "token_command": ("", " ", "a\nb", "a\n", "a 'b", 'a "b', "a \\", "it's", 'a "b\\"', "a\x00", "a\u2029"),
    "token_field": ("", *NO_KEYS),
    "file_access_token": ("", *NO_KEYS[:3]),
    "file_refresh_token": ("", *NO_KEYS[:3]),
    "file_expires_at": NO_KEYS[:3],
    "claim_headers": (*NO_HEADERS[:3], "X: a b", "X: a..b", 'X: "a', "X: 'a'", "authorization: a"),
    "token_file_headers": (*NO_HEADERS, "Authorization: a"),
    "jwt_claims": (
        "iss",
        "iss:",
        "iss: ",
        "iss:a",
        ": a",
        "1a: b",
        "a b: c",
        "a: é",
        "iat: 1",
        "exp: 1",
        " exp: 1",
        "https://h/a: b",
    ),
    "jwt_headers": (*NO_HEADERS[:3], "AUTHORIZATION: a"),
    "litellm_min": (
        "",
        "1",
        "1.100",
        "latest",
        "1.100.0rc1",
        "1.99.9",
        "0.200.0",
        "v1.100.0",
        ">=1.100.0",
        "1.100.0\n",
    ),
    "fork_name": ("", "A", "a b", "a/b", "a.b", "-a", "a-", "a_", "é", "a\n", "x" * 61),
    "upstream_url": (
        "",
        "github.com/BerriAI/litellm",
        "https://",
        "https://user:word@h/a.git",
        "https://h/a b",
        'https://h/"',
        "https://h/a\\b",
        "https://h/a\n",
        "ftp://h/a",
        "git@h:",
        "--upload-pack=a",
        "é@h:a",
    ),
}

# Several lines, the last of which is refused.
BAD_LINES = {
    "claim_headers": ("X: a\nY", "X: a\nx: b", "X: a\r\n\r\nY", "X: sub\u2028Y"),
    "token_file_headers": ("X: a\nY", "X: a\nx:a", "X: a\rY", "X: a\x0bno header"),
    "jwt_claims": ("a: b\nexp: 1", "a: b\na: b", "a: b\rc"),
    "jwt_headers": ("X: a\nY", "X: a\n\nX: a", "X: a\rY"),
}

# What LiteLLM would call instead of the rendered provider, whatever the prefix.
BAD_MODELS = (
    "replicate-x",
    "my/clarifai",
    "ft:gpt-3.5-turbo:x",
    "ft:babbage-002",
    "petals-team/StableBeluga2",
)


def cases(table: dict[str, tuple[str, ...]]) -> list[object]:
    """Returns one case for each value of the table."""
    return [
        pytest.param(name, value, id=f"{name}-{value[:24]!a}") for name, values in table.items() for value in values
    ]


def refusal(template: Path, folder: Path, answers: Answers) -> str:
    """Renders answers that have to be refused; returns what the template says, nothing being written."""
    with pytest.raises(ValueError, match="Validation error for question") as refused:
        render(template, folder, answers)
    assert not folder.exists()
    return str(refused.value)


@pytest.fixture(scope="session")
def questions_only(copier_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template with its questions and answers files alone: what is refused or recorded needs no more.

    Odd values in rendered files are for tests/answers.py, whose rows are rendered whole.
    """
    folder = tmp_path_factory.mktemp("questions-only") / "template"
    answers_file = "{{ _copier_conf.answers_file }}.jinja"
    for path in ("copier.yml", "questions", "hooks"):
        source = copier_template / path
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, _made(folder) / path)
    for layout in ("package", "fork"):
        shutil.copy2(copier_template / "template" / layout / answers_file, _made(folder / "template" / layout))
    return folder


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_every_free_text_has_good_and_bad_values() -> None:
    free = {name for name, question in questions().items() if not choices(question)}
    assert set(GOOD) == set(BAD) == free


@pytest.mark.parametrize(("name", "value"), cases(GOOD))
def test_good_values_are_recorded(name: str, value: str, questions_only: Path, tmp_path: Path) -> None:
    folder = render(questions_only, tmp_path / "package", {**leading_to(name), name: value})
    record = yaml.safe_load(checks.in_fork(folder, ANSWERS_FILE).read_text(encoding="utf-8"))
    assert record[name] == value


@pytest.mark.parametrize(("name", "value"), [*cases(BAD), *cases({"models": BAD_MODELS}), *cases(BAD_LINES)])
def test_bad_values_are_refused_in_one_sentence(name: str, value: str, questions_only: Path, tmp_path: Path) -> None:
    said = refusal(questions_only, tmp_path / "package", {**leading_to(name), name: value})
    question, sentence = re.fullmatch(r"Validation error for question '(\w+)': (.*)", said, re.DOTALL).groups()  # type: ignore[union-attr]
    assert question == name
    # How to mend it; "value" and what is wrong with it.
    culprit = value
    if name == "models" and value.strip():
        culprit = value.splitlines()[0].strip()
    elif name in BAD_LINES:
        culprit = value.splitlines()[-1]
    mend, _, rest = sentence.partition("; ")
    assert re.match(r"(write|use|put|pick|leave|give)\b", mend), sentence
    # Copier shows one row of a terminal, and its own words come first.
    room = COLUMNS - len(f"Validation error for question '{name}': ;")
    assert len(mend) <= min(40, room), f"{mend} is not seen whole"
    assert rest.startswith(f'"{culprit}" '), sentence
    rule = rest.removeprefix(f'"{culprit}" ')
    assert re.match(r"(is|cannot|carries|stands|names)\b", rule), sentence
    assert sentence.endswith(".")
    assert "\n" not in rule
    assert not re.search(r"[.!?] [A-Z]", rule), "more than one sentence"


@pytest.mark.parametrize("taken", sorted({*TAKEN[::12], "openai", "custom", "nano-gpt"}))
def test_providers_of_litellm_are_refused(taken: str, questions_only: Path, tmp_path: Path) -> None:
    said = refusal(questions_only, tmp_path / "package", {"provider": taken})
    assert f'put my- before it, or pick another; "{taken}" is a provider that LiteLLM serves itself' in said


@pytest.mark.parametrize("name", ["base-llm", "custom-httpx", "tavily", "tool", "ci", "yaml", "copy"])
def test_folders_of_a_fork_that_are_others_are_refused(name: str, questions_only: Path, tmp_path: Path) -> None:
    said = refusal(questions_only, tmp_path / "fork", {"layout": "fork", "provider": name})
    assert f'put my- before it, or pick another; "{name}" is a folder of LiteLLM\'s or a module' in said
    render(questions_only, tmp_path / "package", {"provider": name})


def test_a_fork_takes_no_docs_and_no_image(questions_only: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not in a fork of LiteLLM: leave docs out"):
        render(questions_only, tmp_path / "fork", {"layout": "fork", "include": ["cli", "docs"]})
    assert not (tmp_path / "fork").exists()


@pytest.mark.parametrize("taken", ["openai", "groq", "publicai", "nano-gpt", "custom"])
def test_names_of_the_enum_and_of_the_registry_are_known(taken: str) -> None:
    assert taken in TAKEN


def test_the_default_provider_avoids_a_taken_name(questions_only: Path, tmp_path: Path) -> None:
    folder = render(questions_only, tmp_path / "package", {"provider_name": "OpenAI"})
    assert yaml.safe_load((folder / ANSWERS_FILE).read_text(encoding="utf-8"))["provider"] == "my-provider"


@pytest.mark.parametrize("provider", ["enterprise", "proxy-extras", "proxy_extras"])
def test_the_default_package_avoids_a_dependency(provider: str, copier_template: Path, tmp_path: Path) -> None:
    folder = render(copier_template, tmp_path / "package", {"provider": provider})
    expected = f"litellm-{provider.replace('_', '-')}-provider"
    assert yaml.safe_load((folder / ANSWERS_FILE).read_text(encoding="utf-8"))["package_name"] == expected


def test_what_is_proprietary_goes_to_pypi_only_when_told(copier_template: Path, tmp_path: Path) -> None:
    for given, publish in (({}, "private"), ({"publish": "pypi"}, "pypi")):
        answers: Answers = {"license": "Proprietary", **given}
        folder = render(copier_template, tmp_path / publish, answers)
        assert yaml.safe_load((folder / ANSWERS_FILE).read_text(encoding="utf-8"))["publish"] == publish


@pytest.mark.parametrize(
    "lines", ["\n\nm1\nm2", "m1\nm2\n\n\n", " \n m1 \n\t\n\n m2\n ", "\r\nm1\r\n\u3000\r\nm2\r\n"], ids=ascii
)
def test_blank_lines_in_the_list_of_models_are_nothing(lines: str, copier_template: Path, tmp_path: Path) -> None:
    expected = render(copier_template, tmp_path / "plain", {"models": "m1\nm2"})
    folder = render(copier_template, tmp_path / "blank", {"models": lines})
    assert same(folder, expected) == [f"{ANSWERS_FILE}: two renders of the same answers differ"]


def test_no_dependency_and_no_module_of_python_can_be_the_package(copier_template: Path, tmp_path: Path) -> None:
    folder = render(copier_template, tmp_path / "package", EVERYTHING)
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*project["project"]["dependencies"], *chain(*project["dependency-groups"].values())]
    names = {re.split(r"[^A-Za-z0-9._-]", wish)[0].lower() for wish in wanted if isinstance(wish, str)}
    reserved = {name: set(config()[f"reserved_{name}"]["default"].split()) for name in ("modules", "distributions")}
    assert names <= reserved["distributions"]
    assert {name for name in sys.stdlib_module_names if re.fullmatch("[a-z][a-z0-9_]*", name)} <= reserved["modules"]


@pytest.mark.parametrize("name", [name for name, question in questions().items() if choices(question)])
def test_only_the_choices_can_be_chosen(name: str, questions_only: Path, tmp_path: Path) -> None:
    folder = tmp_path / "package"
    wrong: Answer = ["nonsense"] if questions()[name].get("multiselect") else "nonsense"
    with pytest.raises(ValueError, match=r"nonsense|Invalid choice"):
        render(questions_only, folder, {**leading_to(name), name: wrong})
    assert not folder.exists()

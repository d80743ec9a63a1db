"""The worked answers in examples/answers: each file renders, with nothing else asked, to a clean, typed package."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from testing import checks
from testing.answers import ROOT, Answers, asked
from testing.support import UV, Tools, commit_all, copier_in, must, render

ANSWERS = ROOT / "examples" / "answers"
PROVIDERS = ROOT / "examples" / "providers"
FILES = sorted(ANSWERS.glob("*.yml"))
DEVELOPED = sorted(path.name for path in PROVIDERS.iterdir() if path.is_dir())


def developed(folder: Path, name: str) -> None:
    """Puts the author's files of an example into its package, if it has some."""
    (source,) = (path.parent for path in folder.glob("src/*/models.yaml"))
    for of_author in (path for path in PROVIDERS.glob(f"{name}/*") if path.is_dir()):
        to = source if of_author.name == "src" else folder / of_author.name
        if (of_author / "stand_in").is_dir():
            shutil.rmtree(to / "stand_in", ignore_errors=True)  # those of the worked example, whose place they take
        shutil.copytree(of_author, to, dirs_exist_ok=True)
    for file in (path for path in PROVIDERS.glob(f"{name}/*") if path.is_file()):
        shutil.copy(file, folder)


def test_each_of_them_is_developed() -> None:
    assert len(FILES) >= 5
    assert [file.stem for file in FILES] == DEVELOPED


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.stem))
def test_a_worked_example_renders_clean(file: Path, copier_template: Path, tmp_path: Path, tools: Tools) -> None:
    answers: Answers = yaml.safe_load(file.read_text(encoding="utf-8"))
    not_asked = [name for name in answers if not asked(name, answers)]
    assert not not_asked

    folder = render(copier_template, tmp_path / "package", answers)
    problems = [
        *checks.names(folder),
        *checks.texts(folder, machine=(ROOT, copier_template, tmp_path)),
        *checks.leftovers(folder),
        *checks.syntax(folder),
        *checks.recorded(folder, answers),
    ]
    developed(folder, file.stem)
    commit_all(folder)
    problems += [*tools.ruff(folder, "format", "--check"), *tools.ruff(folder, "check"), *tools.mypy(folder)]
    assert not problems, "\n".join(problems)


@pytest.mark.slow
@pytest.mark.parametrize("name", DEVELOPED)
def test_a_developed_example_passes_everything(name: str, copier_template: Path, tmp_path: Path) -> None:
    """By the author's files alone: `make check` fails where one of the template's is another."""
    answers: Answers = yaml.safe_load((ANSWERS / f"{name}.yml").read_text(encoding="utf-8"))
    folder = render(copier_template, tmp_path / "package", answers)
    developed(folder, name)
    commit_all(folder)
    must("make", "check", "test", "demo", f"UV={UV}", "JOBS=0", cwd=folder)


WITH_THE_REAL_SDK = """
import asyncio, json, os, sys
from tests.conformance.server import Fault, Refusal, Reply, Upstream
from tests.package import answers, package
from tests.upstream import STAND_IN, UpstreamFormat

sys.path.remove(str(STAND_IN))
import claude_agent_sdk
import litellm

MODEL = f"{answers.PROVIDER}/claude-haiku-4-5"
MESSAGES = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hello"},
    {"role": "assistant", "content": "Yes?"},
    {"role": "user", "content": "What is @/etc/hostname?"},
]
said = {"sdk": claude_agent_sdk.__file__}


def ask(**more):
    return litellm.completion(model=MODEL, messages=MESSAGES, **more)


async def at_once():
    answers = await asyncio.gather(*(litellm.acompletion(model=MODEL, messages=MESSAGES) for _ in range(4)))
    return [answer.choices[0].message.content for answer in answers]


with Upstream(UpstreamFormat()) as upstream:
    os.environ |= UpstreamFormat.environment
    os.environ[f"{answers.ENV_PREFIX}_API_BASE"] = f"{upstream.url}/v1"
    package.register()
    upstream.will(Reply(reasoning=("Hm.",), finish_reason="length"))
    whole = ask(reasoning_effort="low", allowed_openai_params=["reasoning_effort"])
    said["whole"] = [whole.choices[0].message.content, whole.choices[0].message.reasoning_content]
    said["whole"] += [whole.choices[0].finish_reason, whole.usage.prompt_tokens, whole.usage.completion_tokens]
    said["asked"] = upstream.last["messages"] == MESSAGES
    upstream.will(Reply())
    said["stream"] = [chunk.choices[0].delta.content for chunk in ask(stream=True)][:3]
    upstream.will(*[Reply()] * 4)
    said["at_once"] = asyncio.run(at_once())
    upstream.will(Refusal(429, "rate_limit_exceeded"), Refusal(400, "context_length_exceeded"))
    said["errors"] = []
    for kind in (litellm.RateLimitError, litellm.ContextWindowExceededError):
        try:
            ask(num_retries=0)
        except kind as error:
            said["errors"].append(error.status_code)
    upstream.will(Reply(), fault=Fault("error", after=4))
    try:
        list(ask(stream=True))
    except litellm.ServiceUnavailableError as error:
        said["errors"].append(error.status_code)
    os.environ["STAND_IN_WANTS_LOGIN"] = "1"
    try:
        ask()
    except litellm.AuthenticationError as error:
        said["errors"].append("Not logged in" in str(error))
print(json.dumps(said))
"""


@pytest.mark.slow
def test_the_real_sdk_drives_the_program_of_the_tests(copier_template: Path, tmp_path: Path) -> None:
    """What the tests of claude-code-like play is the command line's protocol, and not just what their own SDK makes of it."""
    answers: Answers = yaml.safe_load((ANSWERS / "claude-code-like.yml").read_text(encoding="utf-8"))
    folder = render(copier_template, tmp_path / "package", answers)
    developed(folder, "claude-code-like")
    must(UV, "sync", "--quiet", "--no-dev", "--extra", "sdk", cwd=folder)
    python = folder / ".venv" / "bin" / "python"
    printed = must(python, "-W", "ignore", "-c", WITH_THE_REAL_SDK, cwd=folder, LITELLM_LOCAL_MODEL_COST_MAP="True")
    said = json.loads(printed.splitlines()[-1])
    assert "site-packages" in said.pop("sdk")
    assert said == {
        "whole": ["Hello, world", "Hm.", "length", 11, 7],
        "asked": True,
        "stream": ["Hello", ", ", "world"],
        "at_once": ["Hello, world"] * 4,
        "errors": [429, 400, 503, True],
    }


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.stem))
def test_the_command_of_the_readme_takes_it(file: Path, copier_template: Path, tmp_path: Path) -> None:
    folder = tmp_path / "package"
    done = copier_in(tmp_path, "copy", "--defaults", "--data-file", file, copier_template, folder)
    assert done.returncode == 0, done.stdout
    answers = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert not checks.recorded(folder, answers)

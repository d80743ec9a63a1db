"""The shortest look at whether this LiteLLM serves the provider, one line for each probe. Template's file: do not edit.

`python -m tests.test_litellm.llms.<provider>.conformance.probes`, or this file by its path; also from a copy of the
tests in another place. The LiteLLM that Python finds is looked at. The exit status is 0 when all is well, else 1.
"""

from __future__ import annotations

import importlib.util
import os
import runpy
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]

# A proxy whose YAML names a provider of somebody else, and by that replaces LiteLLM's list of them.
_CONFIG = """
model_list:
  - model_name: ours
    litellm_params:
      model: "{model}"
  - model_name: theirs
    litellm_params:
      model: someone-else/any
litellm_settings:
  custom_provider_map:
    - provider: someone-else
      custom_handler: someone_else.handler
general_settings:
  master_key: os.environ/LITELLM_MASTER_KEY
"""
_HANDLER = """
import litellm


class Handler(litellm.CustomLLM):
    async def acompletion(self, *args, **call):
        return litellm.ModelResponse(choices=[{"message": {"role": "assistant", "content": "theirs"}}])


handler = Handler()
"""


def config_beside_another(folder: Path, model: str) -> Path:
    """Writes a proxy's configuration that names another provider only; returns its path.

    Args:
        folder: where to write it; two files.
        model: a model of this provider, which the proxy has as `ours`; `theirs` is the other one's.
    """
    (folder / "someone_else.py").write_text(_HANDLER, encoding="utf-8")
    config = folder / "config.yaml"
    config.write_text(_CONFIG.format(model=model), encoding="utf-8")
    return config


def answers_of(url: str, key: str, mode: str) -> list[str]:
    """Returns what both models of that proxy answer: of one that is not for chats, that it does.

    Args:
        url: of the proxy.
        key: of the proxy.
        mode: what our model is for.
    """
    import httpx

    from .user_program import ECHO, HELLO

    chat: dict[str, Any] = {"json": {"model": "theirs", "messages": HELLO}}
    ours: dict[str, tuple[str, dict[str, Any]]] = {
        "chat": ("chat/completions", {"json": {"model": "ours", "messages": HELLO}}),
        "embedding": ("embeddings", {"json": {"model": "ours", "input": ["hello"]}}),
        "image_generation": ("images/generations", {"json": {"model": "ours", "prompt": "hello"}}),
        "image_edit": (
            "images/edits",
            {"data": {"model": "ours", "prompt": "hello"}, "files": {"image": ("a.png", b"\x89PNG\r\n\x1a\n")}},
        ),
    }
    said: list[str] = []
    for path, body in (ours[mode], ("chat/completions", chat)):
        headers = {"Authorization": f"Bearer {key}"}
        response = httpx.post(f"{url}/v1/{path}", headers=headers, timeout=60, trust_env=False, **body)
        if not response.is_success:
            said.append(response.text)
        elif "choices" in response.json():
            said.append(response.json()["choices"][0]["message"]["content"])
        else:
            said.append(ECHO if len(response.json()["data"]) == 1 else response.text)
    return said


def lines() -> Iterator[str]:
    """Yields a line for each probe; one of a probe that fails begins with `failed`."""
    from .user_program import ECHO, OF_CHATS, PROBES, User

    with User() as user, tempfile.TemporaryDirectory() as name:  # LiteLLM takes seconds to import, there and here
        from ..package import answers, models
        from ..upstream import UpstreamFormat
        from .auth.account import open_account
        from .features import declared
        from .proxy import Proxy
        from .server import Refusal, Upstream

        # Settings of this machine are none of its business.
        own = [variable for variable in os.environ if variable.startswith(f"{answers.ENV_PREFIX}_")]
        for variable in own:
            del os.environ[variable]
        folder = Path(name)
        model = f"{answers.PROVIDER}/{next(iter(models.load_models()))}"
        mode = str(models.load_models()[model.partition("/")[2]].get("mode", "chat"))
        unsupported = declared()
        if "chat" in unsupported:
            unsupported = {**unsupported, **dict.fromkeys(OF_CHATS, unsupported["chat"])}
        with (
            Upstream(UpstreamFormat()) as upstream,
            open_account(folder / "account") as account,
            ExitStack() as opened,
            ThreadPoolExecutor(1) as thread,
        ):
            upstream.guard = account.accepts
            proxy = Proxy(upstream.url, account.environment, folder, config_beside_another(folder, model))
            starting = thread.submit(opened.enter_context, proxy)
            base = {f"{answers.ENV_PREFIX}_API_BASE": f"{upstream.url}/v1"}
            yield _line("import", user.set({**dict.fromkeys(own), **account.environment, **base}, folder))
            for probe in PROBES:
                if probe in unsupported:
                    yield f"left out {probe}: {unsupported[probe]}"
                    continue
                # Twice, as a credential that can be renewed gets a second try.
                upstream.will(*([Refusal(429, "rate_limit_exceeded")] * 2 if probe == "rate_limit" else []))
                yield _line(probe, user.probe(probe, model))
            upstream.reset()
            try:
                starting.result()
                said = answers_of(proxy.url, proxy.key, mode)
            except Exception as error:
                yield _line("proxy", f"{type(error).__name__}: {error}")
            else:
                yield _line("proxy", "" if said == [ECHO, "theirs"] else f"its models say {said}")


def _line(probe: str, wrong: str) -> str:
    return f"failed {probe}: {' '.join(wrong.split())[:500]}" if wrong else f"ok {probe}"


def main() -> int:
    """Prints the lines; returns the exit status."""
    found = importlib.util.find_spec("litellm")
    if found is None or not found.origin:
        sys.stdout.write("failed import: there is no litellm here: install it, or set PYTHONPATH to a checkout\n")
        return 1
    # Other processes, in other folders, look at the same LiteLLM.
    paths = [str(Path(found.origin).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ.update(PYTHONPATH=os.pathsep.join(paths), LITELLM_LOCAL_MODEL_COST_MAP="True")
    status = 0
    for line in lines():
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
        status |= line.startswith("failed")
    return status


if __name__ == "__main__":
    if not __package__:  # started by its path
        sys.path[0] = str(TESTS.parent)
        runpy.run_module(f"{TESTS.name}.conformance.probes", run_name="__main__", alter_sys=True)
    sys.exit(main())

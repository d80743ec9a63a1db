"""In LiteLLM's own tree the provider is there by itself, whatever a program does. Template's file: do not edit.

What a program sees is tried in a process of its own, which imports LiteLLM and nothing of the provider.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from ..package import answers, models, package
from .conftest import DECLARED
from .probes import answers_of, config_beside_another
from .proxy import Proxy
from .server import Refusal, Upstream
from .user_program import ECHO, OF_CHATS, PROBES, User

# The module after `python -m`: the command, or else what people log in with.
COMMAND = answers.COMMAND.removeprefix("python -m ")
HAS_COMMAND = COMMAND.endswith(".cli") or find_spec(f"{COMMAND}.__main__") is not None

# What the programs below share: `ask` is a call, `entries` are those under the provider's name.
START = f"""
import asyncio, importlib, json, sys, threading
import litellm
from litellm.llms.custom_llm import CustomLLM
PROVIDER, MODEL = {answers.PROVIDER!r}, {f"{answers.PROVIDER}/{next(iter(models.load_models()))}"!r}
HELLO = [{{"role": "user", "content": "hello"}}]

class Theirs(CustomLLM):
    def completion(self, *args, **call):
        return litellm.ModelResponse(choices=[{{"message": {{"role": "assistant", "content": "theirs"}}}}])

def ask(model=MODEL):
    return litellm.completion(model=model, messages=HELLO).choices[0].message.content

def entries():
    return [item for item in litellm.custom_provider_map if item["provider"] == PROVIDER]
"""


def outcome(program: str) -> Any:
    """Runs the rest of a program that prints JSON at its end, and returns that."""
    done = subprocess.run([sys.executable, "-c", START + program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_probes(upstream: Upstream, model: str, tmp_path: Path) -> None:
    with User() as user:
        assert user.set({}, tmp_path) == ""
        left_out = {*DECLARED, *(OF_CHATS if "chat" in DECLARED else ())}
        for probe in [probe for probe in PROBES if probe not in left_out]:
            upstream.will(*([Refusal(429, "rate_limit_exceeded")] * 2 if probe == "rate_limit" else []))
            assert (probe, user.probe(probe, model)) == (probe, "")
        assert "KeyError" in user.probe("nonesuch", model)


def test_import_reads_nothing_but_names_and_models() -> None:
    found = outcome(f"""
there = [name for name in sys.modules if name.startswith({package.__name__!r} + ".")]
print(json.dumps([sorted(there), list(litellm.model_cost), [str(name) for name in litellm.provider_list]]))
""")
    parts = {name.removeprefix(f"{package.__name__}.") for name in found[0]}
    assert parts == {"_answers", "in_tree", "models"}
    assert {f"{answers.PROVIDER}/{model}" for model in models.load_models()} <= set(found[1])
    assert found[2].count(answers.PROVIDER) == 1


@pytest.mark.feature("chat")
def test_costs_are_known_before_the_first_call() -> None:
    cost = outcome("""
usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
answer = litellm.ModelResponse(model=MODEL, usage=usage)
print(json.dumps(litellm.completion_cost(answer, model=MODEL)))
""")
    facts: dict[str, Any] = next(iter(models.load_models().values()))
    prices = (facts.get("input_cost_per_token") or 0, facts.get("output_cost_per_token") or 0)
    assert cost == pytest.approx(3 * prices[0] + 2 * prices[1])


@pytest.mark.feature("chat")
@pytest.mark.usefixtures("upstream")
def test_prices_that_a_program_has_set_stay() -> None:
    price = outcome("""
litellm.register_model({MODEL: {"litellm_provider": PROVIDER, "mode": "chat", "input_cost_per_token": 0.25}})
ask()
print(json.dumps(litellm.model_cost[MODEL]["input_cost_per_token"]))
""")
    assert price == 0.25


@pytest.mark.feature("chat")
@pytest.mark.usefixtures("upstream")
def test_a_handler_of_somebody_else_goes_first() -> None:
    """However it came into the list; and when it is gone, the provider is back."""
    said = outcome("""
theirs, said = {"provider": PROVIDER, "custom_handler": Theirs()}, []
litellm.custom_provider_map.insert(0, theirs)
said.append([ask(), len(entries())])
litellm.custom_provider_map = []
said.append([ask(), len(entries())])
litellm.custom_provider_map.append(theirs)
said.append([ask(), len(entries())])
litellm.custom_provider_map = [theirs]
said.append([ask(), len(entries())])
litellm.custom_provider_map.remove(theirs)
said.append([ask(), len(entries())])
print(json.dumps(said))
""")
    assert said == [["theirs", 1], [ECHO, 1], ["theirs", 1], ["theirs", 1], [ECHO, 1]]


@pytest.mark.feature("chat")
@pytest.mark.usefixtures("upstream")
def test_a_reload_of_litellm() -> None:
    found = outcome("""
before = ask()
importlib.reload(litellm)
print(json.dumps([before, MODEL in litellm.model_cost, len(entries()), litellm.get_llm_provider(MODEL)[1], ask()]))
""")
    assert found == [ECHO, True, 1, answers.PROVIDER, ECHO]


@pytest.mark.feature("chat")
@pytest.mark.usefixtures("upstream")
def test_a_price_map_that_litellm_fetches_anew() -> None:
    found = outcome("""
litellm.model_cost = {name: facts for name, facts in litellm.model_cost.items() if not name.startswith(PROVIDER)}
ask()
print(json.dumps(litellm.get_model_info(MODEL)["litellm_provider"]))
""")
    assert found == answers.PROVIDER


@pytest.mark.feature("chat")
@pytest.mark.usefixtures("upstream")
def test_first_calls_and_registrations_at_once() -> None:
    """Each thread is the first to need the provider; none waits for another forever."""
    found = outcome(f"""
said, start = [], threading.Barrier(16)

def work(number):
    start.wait(30)
    if number % 4 == 0:
        importlib.import_module({package.__name__!r}).register()
    said.append(ask() if number % 2 else asyncio.run(litellm.acompletion(model=MODEL, messages=HELLO)) and {ECHO!r})

threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(16)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join(60)
ask()
handlers = {{id(item["custom_handler"]) for item in entries()}}
print(json.dumps([said, len(handlers)]))
""")
    assert found == [[ECHO] * 16, 1]


def test_register_is_not_needed_and_does_no_harm() -> None:
    assert outcome(f"""
package = importlib.import_module({package.__name__!r})
made = [package.register(), package.register(), package.provider, entries()[0]["custom_handler"]]
print(json.dumps([len(set(map(id, made))), len(entries())]))
""") == [1, 1]


@pytest.mark.usefixtures("upstream")
def test_a_proxy_whose_yaml_names_another_provider_only(running_upstream: Upstream, model: str, tmp_path: Path) -> None:
    config = config_beside_another(tmp_path, model)
    with Proxy(running_upstream.url, {}, tmp_path, config) as proxy:
        mode = str(models.load_models()[model.partition("/")[2]].get("mode", "chat"))
        assert answers_of(proxy.url, proxy.key, mode) == [ECHO, "theirs"]


@pytest.mark.skipif(not HAS_COMMAND, reason="declared: there is nobody to log in, and no command was asked for")
def test_the_command_that_messages_name() -> None:
    done = subprocess.run([sys.executable, "-m", COMMAND, "--help"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "status" in done.stdout

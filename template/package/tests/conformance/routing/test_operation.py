"""How it is run: cases 39 to 43. Template's file: do not edit."""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import openai
import pytest
import yaml
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

from ...package import PROXY_CONFIG
from ..auth.account import Account
from ..proxy import Proxy, stand_in
from ..server import Refusal, Reply, Upstream
from .conftest import NewServer, Start
from .gateway import CHAT, KEY, Client, Gateway, Setup, ask, at_once, config, middleware, wait_for, write
from .processes import route, serve
from .replies import chunk, event, openai_error
from .side import JSON, SSE, Answer, HostApp, Server

LIMITED = Answer(
    429, (json.dumps(openai_error("rate_limit_error", "slow down")).encode(),), (*JSON, ("retry-after", "1"))
)


def rename(file: Path, text: str) -> None:
    write(file, text)


def in_place(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")


def dot_dot_data(file: Path, text: str) -> None:
    """As Kubernetes changes a mounted ConfigMap: a new folder, and one link that is swapped."""
    folder = file.parent
    new = folder / f"..{time.time_ns()}"
    new.mkdir()
    (new / file.name).write_text(text, encoding="utf-8")
    link = folder / "..data_tmp"
    link.symlink_to(new.name)
    link.replace(folder / "..data")
    if not file.is_symlink():
        file.unlink(missing_ok=True)
        file.symlink_to(f"..data/{file.name}")


WAYS: tuple[Callable[[Path, str], None], ...] = (rename, in_place, dot_dot_data)
BAD = ("extensions: [", "extensions: {litellm: {enabeld: true}}\n", "- a\n", "extensions: {litellm: {enabled: true}}\n")


def good(url: str, model: str) -> str:
    return yaml.safe_dump(config(url, models=[model]))


def is_routed(client: Client, model: str) -> bool:
    return client.post(CHAT, ask(model)).route == "litellm"


@pytest.mark.parametrize("way", WAYS)
def test_case_39_a_new_configuration_counts_at_once(
    way: Callable[[Path, str], None], start: Start, litellm: Server
) -> None:
    setup = start(good(litellm.url, "model-0"), live=True)
    assert is_routed(setup.gateway, "model-0")
    for number in range(1, 4):
        way(setup.file, good(litellm.url, f"model-{number}"))
        changed = time.monotonic()
        wait_for(lambda number=number: is_routed(setup.gateway, f"model-{number}"), seconds=5)  # type: ignore[misc]
        assert time.monotonic() - changed < 2
        assert not is_routed(setup.gateway, f"model-{number - 1}")


@pytest.mark.parametrize("bad", BAD)
def test_case_39_a_bad_file_keeps_the_old_one(
    bad: str, start: Start, litellm: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """It says why in one line, and the next good one counts."""
    setup = start(good(litellm.url, "old"), live=True)
    assert is_routed(setup.gateway, "old")
    caplog.set_level(logging.INFO)
    rename(setup.file, bad)
    wait_for(lambda: [record for record in caplog.records if record.levelno >= logging.WARNING], seconds=5)
    (said,) = {record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING}
    assert setup.file.name in said
    assert "\n" not in said
    assert is_routed(setup.gateway, "old")
    rename(setup.file, good(litellm.url, "new"))
    wait_for(lambda: is_routed(setup.gateway, "new"), seconds=5)


def test_case_39_key_and_address_are_live(start: Start, litellm: Server, new_server: NewServer) -> None:
    setup = start(config(litellm.url), live=True)
    assert setup.gateway.post(CHAT, ask()).is_from("litellm")
    other = new_server("other")
    write(setup.file, config(other.url, api_key="sk-another"))
    wait_for(lambda: setup.gateway.post(CHAT, ask()).is_from("other"), seconds=5)
    assert other.last.header("authorization") == "Bearer sk-another"


def test_case_39_a_request_keeps_what_it_began_with(start: Start, litellm: Server) -> None:
    """A stream goes on while its model is taken out."""
    setup = start(good(litellm.url, "gpt-5"), live=True)
    litellm.will(Answer(pieces=(chunk(None), chunk("a"), 0.8, chunk("b"), event("[DONE]")), headers=SSE))
    with setup.gateway.opened(CHAT, ask(stream=True)) as answer:
        first = answer.piece()
        rename(setup.file, good(litellm.url, "other"))
        wait_for(lambda: not is_routed(setup.gateway, "gpt-5"), seconds=5)
        assert first + answer.response.read() == chunk(None) + chunk("a") + chunk("b") + event("[DONE]")


def reloads(setup: Setup, litellm: Server, number: int, streams: int) -> None:
    """Changes the configuration again and again under streams; each one must be whole."""
    pieces: list[bytes | float] = [chunk(None)]
    for index in range(20):
        pieces += [chunk(f"{index} "), 0.005]
    whole = Answer(pieces=(*pieces, event("[DONE]")), headers=SSE)
    text = b"".join(piece for piece in whole.pieces if isinstance(piece, bytes))
    litellm.answers = setup.host.answers = lambda received: (
        whole if b'"stream": true' in received.body else litellm.own_answer(received)
    )
    over = threading.Event()
    wrong: list[Any] = []
    made = [0]

    def stream(index: int) -> None:
        while not over.is_set():
            got = setup.gateway.post(CHAT, ask(f"model-{index % 3}", stream=True))
            made[0] += 1
            if (got.status, got.whole, got.body) != (200, True, text):
                wrong.append(got)

    callers = [threading.Thread(target=stream, args=(index,), daemon=True) for index in range(streams)]
    for caller in callers:
        caller.start()
    choose = Random(0)
    late = []
    for index in range(number):
        choose.choice((rename, in_place))(setup.file, good(litellm.url, f"model-{index % 3}"))
        if index % 10 == 9:
            choose.choice((rename, in_place))(setup.file, choose.choice(BAD))
        if index % 50 == 49:
            name = f"newest-{index}"
            rename(setup.file, good(litellm.url, name))
            changed = time.monotonic()
            wait_for(lambda name=name: is_routed(setup.gateway, name), seconds=10)  # type: ignore[misc]
            late.append(time.monotonic() - changed)
        time.sleep(0.005)
    over.set()
    for caller in callers:
        caller.join(30)
    assert wrong == []
    assert made[0] > streams
    assert sorted(late)[len(late) // 2] < 1, late


def test_case_39_under_streams(start: Start, litellm: Server) -> None:
    setup = start(good(litellm.url, "model-0"), live=True)
    reloads(setup, litellm, 100, 8)
    assert setup.gateway.rests() == []


@pytest.mark.slow
def test_case_39_a_thousand_times_under_64_streams(start: Start, litellm: Server) -> None:
    setup = start(good(litellm.url, "model-0"), live=True)
    reloads(setup, litellm, 1000, 64)
    assert setup.gateway.rests() == []


@pytest.mark.slow
def test_case_39_a_thousand_times_by_a_swapped_link(start: Start, litellm: Server) -> None:
    setup = start(good(litellm.url, "model-0"), live=True)
    for number in range(1, 1001):
        dot_dot_data(setup.file, good(litellm.url, f"model-{number}"))
    wait_for(lambda: is_routed(setup.gateway, "model-1000"), seconds=5)


OPENAI_LIST: Any = {
    "object": "list",
    "data": [{"id": "of-host", "object": "model", "created": 1, "owned_by": "host"}],
}
ANTHROPIC_LIST: Any = {
    "data": [{"type": "model", "id": "of-host", "display_name": "Of the host", "created_at": "2025-01-01T00:00:00Z"}],
    "has_more": False,
    "first_id": "of-host",
    "last_id": "of-host",
}
GEMINI_LIST: Any = {
    "models": [
        {"name": "models/of-host", "displayName": "Of the host", "supportedGenerationMethods": ["generateContent"]}
    ]
}
LISTS: dict[str, tuple[str, list[tuple[str, str]], Any]] = {
    "openai": ("/v1/models", [], OPENAI_LIST),
    "anthropic": ("/v1/models", [("anthropic-version", "2023-06-01"), ("x-api-key", "of-the-client")], ANTHROPIC_LIST),
    "gemini": ("/v1beta/models?pageSize=9", [("x-goog-api-key", "of-the-client")], GEMINI_LIST),
}
OF_LITELLM = {"object": "list", "data": [{"id": name, "object": "model"} for name in ("gpt-5", "not-routed")]}


def names_in(content: Any, form: str) -> list[str]:
    if form == "gemini":
        return [entry["name"].removeprefix("models/") for entry in content["models"]]
    return [entry["id"] for entry in content["data"]]


@pytest.mark.parametrize("form", LISTS)
@pytest.mark.parametrize("litellms", ["up", "slow", "down", "refuses"])
def test_case_40_the_list_of_models(form: str, litellms: str, start: Start) -> None:
    path, headers, content = LISTS[form]
    setup = start(models=["gpt-5"], model_mappings={"fast": "gpt-5"})
    setup.host.always(Answer(pieces=(json.dumps(content).encode(),)))
    answer = Answer(pieces=(json.dumps(OF_LITELLM).encode(),), waits=60.0 if litellms == "slow" else 0.0)
    setup.litellm.always(Answer(401, (b"{}",)) if litellms == "refuses" else answer)
    if litellms == "down":
        setup.litellm.stop()
    started = time.monotonic()
    got = setup.gateway.get(path, headers)
    assert time.monotonic() - started < 5
    assert (got.status, got.header("content-type")) == (200, "application/json")
    names = names_in(got.json, form)
    assert names[0] == "of-host"
    assert "not-routed" not in names
    assert len(names) == len(set(names))
    first = (got.json["models"] if form == "gemini" else got.json["data"])[0]
    assert first == (content["models"] if form == "gemini" else content["data"])[0], "what the host says stays"
    if litellms == "up":
        assert "gpt-5" in names
        last = (got.json["models"] if form == "gemini" else got.json["data"])[-1]
        assert (
            last.keys()
            >= {"openai": {"id", "object"}, "anthropic": {"id", "type", "display_name"}, "gemini": {"name"}}[form]
        )
    if form == "anthropic":
        assert got.json["first_id"] == names[0]
        assert got.json["last_id"] == names[-1]
    for heard in setup.litellm.requests:
        assert "of-the-client" not in str(heard.headers)
    assert setup.host.last.target == path


def test_case_40_is_kept_for_a_while(start: Start) -> None:
    setup = start()
    setup.host.always(Answer(pieces=(json.dumps(OPENAI_LIST).encode(),)))
    setup.litellm.always(Answer(pieces=(json.dumps(OF_LITELLM).encode(),)))
    lists = at_once(lambda _: setup.gateway.get("/v1/models").json)
    assert all(names_in(content, "openai") == ["of-host", "gpt-5"] for content in lists)
    assert len(setup.litellm.requests) < 10
    before = len(setup.litellm.requests)
    setup.gateway.get("/v1/models")
    assert len(setup.litellm.requests) == before


@pytest.mark.parametrize(
    "answer",
    [
        Answer(401, (b'{"error": "log in"}',)),
        Answer(200, (b"<html>models</html>",), (("content-type", "text/html"),)),
        Answer(200, (b'{"mine": ["a"]}',)),
        Answer(200, (b"{",)),
    ],
)
def test_case_40_what_is_no_list_stays(answer: Answer, start: Start) -> None:
    setup = start()
    setup.host.always(answer)
    got = setup.gateway.get("/v1/models")
    assert (got.status, got.body) == (answer.status, answer.pieces[0])


@pytest.mark.feature("chat")
def test_case_40_through_litellms_proxy(start: Start, proxy: Proxy, model: str) -> None:
    name = model.split("/", 1)[1]
    setup = start(config(proxy.url, api_key=proxy.key, models=[name]))
    setup.host.always(Answer(pieces=(json.dumps(OPENAI_LIST).encode(),)))
    client = openai.OpenAI(base_url=f"{setup.gateway.url}/v1", api_key="of-the-client", max_retries=0)
    names = [entry.id for entry in client.models.list()]
    assert names[0] == "of-host"
    assert name in names


def series(client: Client) -> list[str]:
    """Returns the series of /metrics, without their values."""
    got = client.get("/metrics")
    assert got.status == 200
    lines = [line for line in got.body.decode().splitlines() if line and not line.startswith("#")]
    lines = [line for line in lines if "breaker" not in line]  # what is open now changes with time
    return sorted(line.rpartition(" ")[0] for line in lines)


def random_names(number: int, new_server: NewServer, folder: Path) -> None:
    host, litellm = new_server("host"), new_server("litellm")
    file = write(
        folder / "routing.yaml",
        config(litellm.url, models=["gpt-5", "own-*"], fallback={"enabled": True, "any-model": True}),
    )
    choose = Random(1)
    with serve(file, "--host-url", host.url) as served:

        def some(index: int) -> None:
            limited = index % 7 == 0
            for body in (ask(), ask("own-1"), ask(f"own-{choose.random()}"), ask(f"any-{choose.random()}")):
                if limited:
                    host.will(LIMITED)
                served.client.post(CHAT, body)

        for index in range(40):
            some(index)
        before = series(served.client)
        assert any("gpt-5" in line for line in before)
        for index in range(number // 4):
            some(index)
        after = series(served.client)
        assert set(after) - set(before) == set()
        assert len(after) < 500
        assert not [line for line in after if "any-" in line or "own-0." in line]


def test_case_41_random_models_make_no_series(new_server: NewServer, tmp_path: Path) -> None:
    random_names(200, new_server, tmp_path)


@pytest.mark.slow
def test_case_41_ten_thousand_random_models(new_server: NewServer, tmp_path: Path) -> None:
    random_names(10_000, new_server, tmp_path)


# The same requests to three kinds of host. What each one of them answers is set from here: a rate limit, or a chat.


@contextmanager
def fastapi_host(file: Path, host: HostApp) -> Iterator[Gateway]:
    """A FastAPI application with a lifespan, a route of its own, and one that answers as `host` is told to."""
    app = FastAPI(lifespan=host_lifespan(host))

    @app.get("/own")
    def own() -> dict[str, str]:
        return {"own": "route"}

    @app.api_route("/{path:path}", methods=["GET", "POST", "DELETE"])
    async def rest(path: str, request: Request) -> StreamingResponse:
        from .side import Received

        headers = [(key.decode("latin-1"), value.decode("latin-1")) for key, value in request.scope["headers"]]
        answer = host.answer_to(Received(request.method, f"/{path}", headers, await request.body()))

        async def pieces() -> Any:
            for piece in answer.pieces:
                yield piece

        return StreamingResponse(pieces(), answer.status, dict(answer.headers))

    app.add_middleware(lambda inner: middleware(inner, file))
    with Gateway(app) as gateway:
        yield gateway


def host_lifespan(host: HostApp) -> Any:
    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> Any:
        host.lifespan.append("startup")
        yield
        host.lifespan.append("shutdown")

    return lifespan


def same_results(client: Client, host: Any, litellm: Server) -> None:
    """What every host must show: one that is routed, one that is not, a stream, a fallback, one without a target."""
    assert client.post(CHAT, ask("routed")).is_from("litellm")
    assert len(litellm.requests) == 1
    assert client.post(CHAT, ask("other")).is_from("host")
    got = client.post(CHAT, ask("other", stream=True))
    assert (got.status, got.route, got.whole) == (200, "host", True)
    assert b"from " in got.body
    assert b"[DONE]" in got.body
    assert len(litellm.requests) == 1
    host.will(LIMITED)
    got = client.post(CHAT, ask("falls-back"))
    assert got.is_from("litellm")
    assert got.route == "fallback"
    assert json.loads(litellm.last.body)["model"] == "gpt-5"
    host.will(LIMITED)
    got = client.post(CHAT, ask("other"))
    assert (got.status, got.route) == (429, "host")
    assert len(litellm.requests) == 2
    assert client.post("/v1beta/models/routed:generateContent", {"contents": []}).is_from("litellm")
    assert all(got.is_from("litellm") for got in at_once(lambda _: client.post(CHAT, ask("routed"))))


OF_HOSTS: dict[str, Any] = {
    "models": ["routed"],
    "model_mappings": {"falls-back": "gpt-5"},
    "fallback": {"enabled": True},
}


def test_case_42_fastapi(tmp_path: Path, litellm: Server) -> None:
    host = HostApp()
    file = write(tmp_path / "routing.yaml", config(litellm.url, **OF_HOSTS))
    with fastapi_host(file, host) as client:
        same_results(client, host, litellm)
        assert client.get("/own").json == {"own": "route"}
        assert host.lifespan == ["startup"]
        client.stop()
    assert host.lifespan == ["startup", "shutdown"]


def test_case_42_an_application(start: Start, litellm: Server) -> None:
    setup = start(**OF_HOSTS)
    same_results(setup.gateway, setup.host, litellm)
    setup.gateway.stop()
    assert setup.host.lifespan == ["startup", "shutdown"]


def test_case_42_a_service_at_a_url(tmp_path: Path, litellm: Server, new_server: NewServer) -> None:
    host = new_server("host")
    file = write(tmp_path / "routing.yaml", config(litellm.url, **OF_HOSTS))
    with serve(file, "--host-url", f"{host.url}/below") as served:
        same_results(served.client, host, litellm)
        assert host.last.target == f"/below{CHAT}"
        assert served.client.get("/livez").status == 200
        assert served.client.get("/readyz").status == 200
        # SIGTERM lets what is under way come to its end.
        host.will(Answer(pieces=(chunk(None), chunk("a"), 1.0, event("[DONE]")), headers=SSE))
        with served.client.opened(CHAT, ask("other", stream=True)) as answer:
            first = answer.piece()
            ended: list[int] = []
            stop = threading.Thread(target=lambda: ended.append(served.stop()))
            stop.start()
            assert (first + answer.response.read()).endswith(event("[DONE]"))
            stop.join(20)
        assert ended == [0] or ended == [-15]
        assert KEY not in served.said()


@pytest.mark.slow
@pytest.mark.proxy
@pytest.mark.feature("chat")
def test_case_42_litellms_own_proxy(
    tmp_path: Path, litellm: Server, running_upstream: Upstream, account: Account, model: str, sides: Any
) -> None:
    """LiteLLM's application is the host here; the routed model goes to another."""
    name = model.split("/", 1)[1]
    content = yaml.safe_load(PROXY_CONFIG.read_text(encoding="utf-8"))
    first = content["model_list"][0]
    content["model_list"] = [{**first, "model_name": wanted} for wanted in ("other", "falls-back", name)]
    content["router_settings"] = {"disable_cooldowns": True, "num_retries": 0}
    key = f"sk-{secrets.token_hex(24)}"  # LiteLLM refuses to start with a well-known one
    login = [("authorization", f"Bearer {key}")]
    config_file = tmp_path / "config.yaml"
    config_file.write_text(yaml.safe_dump(content), encoding="utf-8")
    file = write(tmp_path / "routing.yaml", config(litellm.url, **OF_HOSTS))
    running_upstream.reset()
    running_upstream.guard = account.accepts
    environment = {
        "CONFIG_FILE_PATH": str(config_file),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_MASTER_KEY": key,
        **_of_the_provider(running_upstream, account),
    }
    with serve(file, "--host-app", "litellm.proxy.proxy_server:app", environment=environment) as served:
        client = served.client
        assert client.post(CHAT, ask("routed")).is_from("litellm")
        for streamed in (False, True):
            running_upstream.will(Reply(text=("from ", "host")))
            got = client.post(CHAT, ask("other", stream=streamed), login)
            assert (got.status, got.route, got.whole) == (200, "host", True), got
            assert b"host" in got.body
        assert len(litellm.requests) == 1
        running_upstream.will(Refusal(429, "rate_limit_exceeded"))
        got = client.post(CHAT, ask("falls-back"), login)
        assert got.is_from("litellm"), got
        assert got.route == "fallback"
        assert json.loads(litellm.last.body)["model"] == "gpt-5"
        assert litellm.last.header("authorization") == f"Bearer {KEY}"
        running_upstream.will(Refusal(429, "rate_limit_exceeded"))
        got = client.post(CHAT, ask("other"), login)
        assert (got.status, got.route) == (429, "host")
        assert client.post("/v1beta/models/routed:generateContent", {"contents": []}).is_from("litellm")
        assert all(got.is_from("litellm") for got in at_once(lambda _: client.post(CHAT, ask("routed"))))


def _of_the_provider(upstream: Upstream, account: Account) -> dict[str, str]:
    from ...package import answers

    return {
        f"{answers.ENV_PREFIX}_API_BASE": f"{upstream.url}/v1",
        **stand_in(),
        **account.environment,
        "NO_PROXY": "127.0.0.1",
    }


def test_case_42_health(tmp_path: Path, litellm: Server, new_server: NewServer) -> None:
    """LiteLLM away is no reason to take the gateway out, unless everything goes there."""
    host = new_server("host")
    file = write(tmp_path / "routing.yaml", config(litellm.url))
    with serve(file, "--host-url", host.url) as served:
        litellm.stop()
        got = served.client.get("/readyz")
        assert got.status == 200
        assert b"degraded" in got.body
        assert served.client.get("/livez").status == 200
        write(file, config(litellm.url, passthrough_mode=True))
        wait_for(lambda: served.client.get("/readyz").status == 503, seconds=10)
        litellm.start()
        wait_for(lambda: served.client.get("/readyz").status == 200, seconds=10)


START, END = ">>> LITELLM_HOOK_START", "<<< LITELLM_HOOK_END"
GO = f"""\
package amp

func (m *AmpModule) Register(ctx Context) error {{
	// {START}
	liteLLMCfg := NewLiteLLMConfig(ctx.Config)
	// {END}
	// Always register provider aliases
	return nil
}}
"""
PYTHON = f"# {START}\napp.add_middleware(RoutingMiddleware, 'routing.yaml')\n# {END}\n"


@pytest.mark.parametrize(("name", "text"), [("amp.go", GO), ("main.py", PYTHON)])
def test_case_43_a_pair_is_right(name: str, text: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    done = route("hooks", str(file))
    assert done.exit_code == 0, done.output


WRONG: dict[str, tuple[str, str, int]] = {
    "END missing": ("amp.go", GO.replace(f"\t// {END}\n", ""), 4),
    "START missing": ("amp.go", GO.replace(f"\t// {START}\n", ""), 5),
    "swapped": ("amp.go", GO.replace(START, "@").replace(END, START).replace("@", END), 4),
    "twice": ("main.py", PYTHON * 2, 4),
    "START twice": ("main.py", f"# {START}\n{PYTHON}", 2),
    "empty": ("main.py", f"import a\n# {START}\n\n   \n# {END}\n", 2),
    "only comments": ("main.py", f"# {START}\n# app.add_middleware(RoutingMiddleware)\n# {END}\n", 1),
    "only comments in Go": ("amp.go", f"// {START}\n// a\n/* b\n c */\n// {END}\n", 1),
    "the word in a comment": ("amp.go", "package amp\n// see LITELLM_HOOK in the guide\n", 0),
    "in a text": ("main.py", f'text = """\n{START}\na = 1\n{END}\n"""\n', 2),
    "neither": ("main.py", "import a\n", 0),
}


@pytest.mark.parametrize("case", WRONG)
def test_case_43_what_is_no_pair_is_refused(case: str, tmp_path: Path) -> None:
    """Where there is a line to name, it is named."""
    name, text, line = WRONG[case]
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    done = route("hooks", str(file))
    assert done.exit_code not in (0, None), done.output
    assert "Traceback" not in done.output
    assert name in done.output
    if line:
        assert re.search(rf"\b{line}\b", done.output.replace(str(file), "")), done.output


def test_case_43_a_file_that_is_not_there(tmp_path: Path) -> None:
    done = route("hooks", str(tmp_path / "gone.go"))
    assert done.exit_code not in (0, None)
    assert "gone.go" in done.output
    assert os.linesep.join(done.output.splitlines()).count("Traceback") == 0

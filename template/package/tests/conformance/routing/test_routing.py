"""Who gets a request: cases 1 to 14. Template's file: do not edit."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import brotli
import openai
import pytest
import yaml
import zstandard

from ..proxy import Proxy
from ..server import Upstream
from .conftest import Start
from .gateway import AT_ONCE, CHAT, KEY, Got, Setup, ask, at_once, config, load, write
from .processes import route, rss, serve
from .side import Server

FLAT = """\
# LiteLLM Integration
litellm-hybrid-mode: true
litellm-base-url: "http://localhost:4000"
litellm-api-key: "sk-your-litellm-key"
litellm-models:
  - "gpt-5"
  - "gpt-5-codex"
  - "gpt-5.1"
  - "deepseek-chat"
litellm-passthrough-mode: false  # Set true to route ALL traffic to LiteLLM
"""
NAMESPACED = """\
extensions:
  litellm:
    enabled: true
    base-url: "http://localhost:4000"
    api-key: "sk-xxx"
    models:
      - "gpt-5"
      - "gpt-5-codex"
    passthrough-mode: false
"""
ADDED = {"x-request-id", "x-litellm-call-id"}
"""What the gateway may add to what the host gets."""


def goes_to_host(setup: Setup, got: Got) -> None:
    assert got.is_from("host"), got
    assert got.route == "host"
    assert setup.litellm.requests == []


def goes_to_litellm(setup: Setup, got: Got) -> None:
    assert got.is_from("litellm"), got
    assert got.route == "litellm"
    assert setup.host.requests == []


def test_case_01_listed_model_goes_to_litellm(setup: Setup) -> None:
    got = setup.gateway.post(CHAT, ask(), [("x-request-id", "id-1"), ("authorization", "Bearer of-the-client")])
    goes_to_litellm(setup, got)
    heard = setup.litellm.last
    assert heard.header("authorization") == f"Bearer {KEY}"
    assert heard.target == CHAT
    assert json.loads(heard.body) == ask()
    assert {heard.header("x-request-id"), heard.header("x-litellm-call-id"), got.header("x-request-id")} == {"id-1"}


def test_case_01_the_host_has_the_same_id(setup: Setup) -> None:
    got = setup.gateway.post(CHAT, ask("other"), [("x-request-id", "id-2")])
    assert {setup.host.last.header("x-request-id"), got.header("x-request-id")} == {"id-2"}


def test_case_01_many_at_once(setup: Setup) -> None:
    """Each answer belongs to its request, whoever gives it."""

    def one(index: int) -> tuple[int, Got]:
        model = "gpt-5" if index % 2 else "other"
        return index, setup.gateway.post(CHAT, ask(model), [("x-request-id", f"id-{index}")])

    for index, got in at_once(one):
        assert got.is_from("litellm" if index % 2 else "host"), got
        assert got.header("x-request-id") == f"id-{index}"
    assert setup.counts() == (AT_ONCE // 2, AT_ONCE // 2)
    assert {heard.header("x-request-id") for heard in setup.litellm.requests} == {
        f"id-{index}" for index in range(AT_ONCE) if index % 2
    }


@pytest.mark.feature("chat")
def test_case_01_through_litellms_proxy(start: Start, proxy: Proxy, upstream: Upstream, model: str) -> None:
    name = model.split("/", 1)[1]
    setup = start(config(proxy.url, api_key=proxy.key, models=[name]))
    client = openai.OpenAI(base_url=f"{setup.gateway.url}/v1", api_key="of-the-client", max_retries=0)
    response = client.chat.completions.with_raw_response.create(
        model=name, messages=[{"role": "user", "content": "hello"}], extra_headers={"x-request-id": "id-3"}
    )
    answer = response.parse()
    assert answer.choices[0].message.content == "You said: hello"
    assert response.headers["x-litellm-route"].startswith("litellm")
    assert response.headers["x-request-id"] == "id-3"
    assert response.headers["x-litellm-call-id"] == "id-3"
    assert len(upstream.requests) == 1
    assert setup.host.requests == []


@pytest.mark.parametrize("listed", ["gpt-5", " GPT-5", "gpt*", "*"])
@pytest.mark.parametrize("asked", [" GPT-5 ", "gpt-5"])
def test_case_02_case_and_spaces_do_not_matter(listed: str, asked: str, start: Start) -> None:
    setup = start(models=[listed])
    goes_to_litellm(setup, setup.gateway.post(CHAT, ask(asked)))


@pytest.mark.parametrize("listed", ["gpt-5.1", "gpt", "*-5", "gp?-5", "gpt-5*x"])
def test_case_02_other_patterns_match_nothing_else(listed: str, start: Start) -> None:
    """A star is one at the end only; other signs are themselves. Such a name is refused, or nothing is routed by it."""
    try:
        setup = start(models=[listed])
    except ValueError:
        assert "*" in listed[:-1]
        return
    goes_to_host(setup, setup.gateway.post(CHAT, ask()))


@pytest.mark.parametrize(
    ("path", "model"),
    [
        (CHAT, "other"),
        (CHAT, "gpt-5-not-listed"),
        ("/key/generate", "gpt-5"),
        ("/api/provider/x/key/generate", "gpt-5"),
        ("/v1/config/update", "gpt-5"),
        ("/config/update", "gpt-5"),
        ("/model/new", "gpt-5"),
        ("/v1/chat/completions/../../key/generate", "gpt-5"),
        ("/", "gpt-5"),
        ("/v1/models", "gpt-5"),
    ],
)
def test_case_03_the_rest_goes_to_the_host_as_sent(path: str, model: str, setup: Setup) -> None:
    body = json.dumps(ask(model), indent=3).encode() + b"\n "
    sent = [
        ("content-type", "application/json; charset=utf-8"),
        ("authorization", "Bearer of-the-client"),
        ("cookie", "a=1; b=2"),
        ("x-api-key", "of-the-client"),
        ("x-twice", "one"),
        ("x-twice", "two"),
        ("x_api_key", "with an underscore"),
        ("accept-encoding", "gzip, zstd"),
        ("anthropic-beta", "one,two"),
    ]
    got = setup.gateway.call("POST", f"{path}?a=%2Fb&a=&key=of-the-client", body, sent)
    assert setup.litellm.requests == []
    if ".." in path and got.status == 400:
        return
    heard = setup.host.last
    assert heard.body == body
    assert heard.target == f"{path}?a=%2Fb&a=&key=of-the-client"
    expected = [("host", f"127.0.0.1:{setup.gateway.port}"), *sent, ("content-length", str(len(body)))]
    assert [(name, value) for name, value in heard.headers if name not in ADDED] == expected
    goes_to_host(setup, got)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
def test_case_03_other_methods_go_to_the_host(method: str, setup: Setup) -> None:
    got = setup.gateway.call(method, CHAT, json.dumps(ask()).encode(), [("content-type", "application/json")])
    assert got.status == 200
    assert setup.counts() == (1, 0)


@pytest.mark.parametrize(
    "body",
    [
        b'{"model": 5}',
        b"{}",
        b"[]",
        b'["gpt-5"]',
        b'"gpt-5"',
        b"",
        b"{",
        b'{"model": "gpt-5"',
        b'{"model": "gpt-5"} {"model": "gpt-5"}',
        b'{"model": ""}',
        b'{"model": null}',
        b'{"model": ["gpt-5"]}',
        b'{"model": {"model": "gpt-5"}}',
        b'{"a": {"model": "gpt-5"}}',
        b'{"Model": "gpt-5"}',
        b'{"messages": "\\"model\\": \\"gpt-5\\""}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"model": "gpt-5", "a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b"\xff\xfe\x00",
    ],
    ids=lambda body: f"{len(body)} {body[:30]!r}",
)
def test_case_04_no_model_goes_to_the_host(body: bytes, setup: Setup) -> None:
    """Nothing of them is an error of the gateway's; bodies that are nested very deeply have no model that it would read."""
    got = setup.gateway.post(CHAT, body)
    if b'"gpt-5", "a": [' in body and setup.litellm.requests:  # a reader that looks for `model` alone may find it
        goes_to_litellm(setup, got)
        return
    goes_to_host(setup, got)
    assert setup.host.last.body == body


@pytest.mark.parametrize(
    "body",
    [
        b'\xef\xbb\xbf{"model": "gpt-5", "messages": []}',
        b'{"temperature": NaN, "model": "gpt-5"}',
        b'{"model": "gpt-5", "seed": Infinity}',
        b'{"messages": [{"role": "user", "content": "\\ud800"}], "model": "gpt-5"}',
        b' \n\t{"model": "gpt\\u002d5"}\r\n',
    ],
    ids=["BOM", "NaN", "Infinity", "lone surrogate", "escaped"],
)
def test_case_05_odd_json_goes_to_litellm(body: bytes, setup: Setup) -> None:
    goes_to_litellm(setup, setup.gateway.post(CHAT, body))
    assert setup.litellm.last.body == body


@pytest.mark.parametrize(("first", "last", "side"), [("gpt-5", "other", "host"), ("other", "gpt-5", "litellm")])
def test_case_06_the_last_of_two_models_counts(first: str, last: str, side: str, setup: Setup) -> None:
    got = setup.gateway.post(CHAT, f'{{"model": "{first}", "messages": [], "model": "{last}"}}'.encode())
    assert got.is_from(side)
    assert setup.counts() == ((1, 0) if side == "host" else (0, 1))


def test_case_07_gemini_names_the_model_in_the_path(setup: Setup) -> None:
    body = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}], "model": "other"}
    target = "/v1beta/models/gpt-5:streamGenerateContent?alt=sse&$alt=%2F&empty="
    goes_to_litellm(setup, setup.gateway.post(f"{target}&key=of-the-client", body))
    assert setup.litellm.last.target == target
    assert json.loads(setup.litellm.last.body) == body
    got = setup.gateway.post("/v1beta/models/other:generateContent", {**body, "model": "gpt-5"})
    assert got.is_from("host")
    assert len(setup.litellm.requests) == 1


@pytest.mark.parametrize("action", ["generateContent", "countTokens"])
@pytest.mark.feature("chat")
def test_case_07_through_litellms_proxy(
    action: str, start: Start, proxy: Proxy, upstream: Upstream, model: str
) -> None:
    name = model.split("/", 1)[1]
    setup = start(config(proxy.url, api_key=proxy.key, models=[name]))
    body = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}
    got = setup.gateway.post(f"/v1beta/models/{name}:{action}?key=of-the-client", body)
    assert got.route == "litellm"
    assert got.status not in (401, 404), "LiteLLM has the path, and takes the key"
    assert setup.host.requests == []


@pytest.mark.parametrize(
    ("sent", "arrives"),
    [
        (
            "/api/provider/google/v1beta1/publishers/google/models/gpt-5:generateContent",
            "/v1beta/models/gpt-5:generateContent",
        ),
        ("/v1beta1/publishers/google/models/gpt-5:generateContent", "/v1beta/models/gpt-5:generateContent"),
        ("/api/provider/openai/v1/chat/completions", "/v1/chat/completions"),
        ("/api/provider/anthropic/v1/messages", "/v1/messages"),
        ("/api/provider/anthropic/v1/messages/count_tokens", "/v1/messages/count_tokens"),
        ("/v1/responses/compact", "/v1/responses/compact"),
        ("/chat/completions", "/chat/completions"),
        ("/v1/embeddings", "/v1/embeddings"),
    ],
)
def test_case_08_paths_are_those_of_litellm(sent: str, arrives: str, setup: Setup) -> None:
    goes_to_litellm(setup, setup.gateway.post(f"{sent}?a=%2F", ask()))
    assert setup.litellm.last.target == f"{arrives}?a=%2F"


def test_case_08_below_a_base_path(start: Start, litellm: Server) -> None:
    setup = start(base_url=f"{litellm.url}/team%2Fa/llm/")
    goes_to_litellm(setup, setup.gateway.post("/api/provider/openai/v1/chat/completions", ask()))
    assert setup.litellm.last.target == "/team%2Fa/llm/v1/chat/completions"


def _deflate(content: bytes) -> bytes:
    return zlib.compress(content)


ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "zstd": lambda content: zstandard.ZstdCompressor().compress(content),
    "gzip": gzip.compress,
    "deflate": _deflate,
    "br": brotli.compress,
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_case_09_a_compressed_body_is_read(encoding: str, setup: Setup) -> None:
    headers = [("content-encoding", encoding), ("content-type", "application/json")]
    plain = json.dumps(ask(padding="x" * 5000)).encode()
    goes_to_litellm(setup, setup.gateway.call("POST", CHAT, ENCODINGS[encoding](plain), headers))
    heard = setup.litellm.last
    assert heard.body == plain
    assert (heard.header("content-encoding"), heard.header("content-length")) == (None, str(len(plain)))
    sent = ENCODINGS[encoding](json.dumps(ask("other")).encode())
    assert setup.gateway.call("POST", CHAT, sent, headers).is_from("host")
    assert setup.host.last.body == sent
    assert setup.host.last.header("content-encoding") == encoding
    assert len(setup.litellm.requests) == 1


def test_case_09_zstd_in_many_frames_without_a_size(setup: Setup) -> None:
    """As a client sends it that compresses while it writes."""
    plain = json.dumps(ask(padding="x" * 300_000)).encode()
    packed = b""
    for part in (plain[:1000], plain[1000:]):
        work = zstandard.ZstdCompressor(write_content_size=False).compressobj()
        packed += work.compress(part) + work.flush()
    goes_to_litellm(setup, setup.gateway.post(CHAT, packed, [("content-encoding", "zstd")]))
    assert setup.litellm.last.body == plain


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_case_09_a_bomb_is_refused(encoding: str, setup: Setup) -> None:
    bomb = ENCODINGS[encoding](b'{"model": "gpt-5", "a": "' + b" " * (40 << 20) + b'"}')
    assert setup.gateway.post(CHAT, bomb, [("content-encoding", encoding)]).status == 413
    assert setup.counts() == (0, 0)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("zstd", b"no zstd"),
        ("gzip", gzip.compress(json.dumps(ask()).encode())[:-9]),
        ("rot13", json.dumps(ask()).encode()),
        ("br", b"\xff" * 9),
    ],
    ids=["zstd", "gzip", "unknown", "br"],
)
def test_case_09_what_cannot_be_read_goes_to_the_host(encoding: str, body: bytes, setup: Setup) -> None:
    goes_to_host(setup, setup.gateway.post(CHAT, body, [("content-encoding", encoding)]))
    assert setup.host.last.body == body


def _multipart(*parts: tuple[str, bytes]) -> tuple[bytes, list[tuple[str, str]]]:
    body = b""
    for name, content in parts:
        file = b'; filename="a.wav"\r\nContent-Type: audio/wav' if name == "file" else b""
        body += b'--=limit\r\nContent-Disposition: form-data; name="%b"%b\r\n\r\n%b\r\n' % (
            name.encode(),
            file,
            content,
        )
    return body + b"--=limit--\r\n", [("content-type", 'multipart/form-data; boundary="=limit"')]


def test_case_10_multipart_with_the_model_first(setup: Setup) -> None:
    body, headers = _multipart(("model", b"gpt-5"), ("file", b"\x00\r\n--" * 50_000))
    goes_to_litellm(setup, setup.gateway.call("POST", "/v1/audio/transcriptions", body, headers))
    assert setup.litellm.last.body == body
    assert setup.litellm.last.header("content-type") == headers[0][1]


@pytest.mark.parametrize(
    "parts",
    [
        [("file", b"x" * 100_000), ("model", b"gpt-5")],
        [("model", b"other"), ("file", b'name="model"\r\n\r\ngpt-5\r\n')],
        [("file", b'Content-Disposition: form-data; name="model"\r\n\r\ngpt-5\r\n')],
    ],
    ids=["after 100 kB", "other", "in the file"],
)
def test_case_10_multipart_for_the_host(parts: list[tuple[str, bytes]], setup: Setup) -> None:
    body, headers = _multipart(*parts)
    goes_to_host(setup, setup.gateway.call("POST", "/v1/audio/transcriptions", body, headers))
    assert setup.host.last.body == body


@pytest.mark.slow
@pytest.mark.parametrize("declared", [True, False], ids=["length", "chunked"])
def test_case_11_a_large_upload_is_streamed(
    declared: bool, tmp_path: Path, new_server: Callable[[str], Server]
) -> None:
    host, litellm = new_server("host"), new_server("litellm")
    host.keeps_bodies = False
    file = write(tmp_path / "routing.yaml", config(litellm.url))
    piece = b"x" * 2**20
    with serve(file, "--host-url", host.url) as served:
        served.client.post(CHAT, ask("other"))
        before = rss(served.process.pid, peak=True)
        headers = [("content-type", "application/octet-stream")]
        headers += [("content-length", str(100 * len(piece)))] if declared else []
        if declared:
            body: Any = piece * 100
        else:
            body = iter([piece] * 100)
        got = served.client.call("POST", "/v1/files", body, headers)
        assert got.status == 200
        assert host.last.size == 100 * 2**20
        assert rss(served.process.pid, peak=True) - before < 64 * 2**20
    assert litellm.requests == []


def test_case_12_a_mapping_renames_the_model_alone(start: Start) -> None:
    setup = start(model_mappings={"GPT-5": "azure/gpt-5-eu"})
    body = (
        b'{"seed": 1234567890123456789012345, "temperature": 0.10000000000000000001, "a": 1.0e400,'
        b' "b": {"model": "gpt-5"}, "text": "\\u00e9", "model": "gpt-5", "c": -0.0}'
    )
    goes_to_litellm(setup, setup.gateway.post(CHAT, body))
    heard = setup.litellm.last.body
    assert int(setup.litellm.last.header("content-length") or 0) == len(heard)
    assert _as_sent(heard) == {**_as_sent(body), "model": "azure/gpt-5-eu"}


def test_case_12_in_odd_json(start: Start) -> None:
    """What is no JSON to a strict reader keeps its values, too."""
    setup = start(model_mappings={"GPT-5": "azure/gpt-5-eu"})
    body = b'{"seed": 1234567890123456789012345, "text": "\\ud800", "a": 0.5, "model": "gpt-5", "c": NaN}'
    goes_to_litellm(setup, setup.gateway.post(CHAT, body))
    assert _as_sent(setup.litellm.last.body) == {**_as_sent(body), "model": "azure/gpt-5-eu"}


def _as_sent(body: bytes) -> dict[str, Any]:
    """Returns a body with its numbers as texts."""
    found: dict[str, Any] = json.loads(body, parse_float=str, parse_int=str, parse_constant=str)
    return found


def test_case_12_a_mapping_in_a_path_and_a_form(start: Start) -> None:
    setup = start(model_mappings={"gpt-5": "gpt-5-eu"})
    goes_to_litellm(setup, setup.gateway.post("/v1beta/models/gpt-5:generateContent", {"contents": []}))
    assert setup.litellm.last.target == "/v1beta/models/gpt-5-eu:generateContent"
    body, headers = _multipart(("model", b"gpt-5"), ("file", b"\x00\r\n--=lim" * 9))
    goes_to_litellm(setup, setup.gateway.call("POST", "/v1/audio/transcriptions", body, headers))
    heard = setup.litellm.last
    assert heard.body == body.replace(b"\r\n\r\ngpt-5\r\n", b"\r\n\r\ngpt-5-eu\r\n")
    assert heard.header("content-length") == str(len(heard.body))


@pytest.mark.feature("chat")
def test_case_12_through_litellms_proxy(start: Start, proxy: Proxy, upstream: Upstream, model: str) -> None:
    name = model.split("/", 1)[1]
    setup = start(config(proxy.url, api_key=proxy.key, models=["gpt-5"], model_mappings={"gpt-5": name}))
    got = setup.gateway.post(CHAT, ask())
    assert (got.status, got.route) == (200, "litellm"), got
    assert upstream.last["model"] == name


@pytest.mark.parametrize(
    ("method", "path", "side"),
    [
        ("POST", CHAT, "litellm"),
        ("POST", "/v1/messages", "litellm"),
        ("GET", "/v1/responses/resp_1", "litellm"),
        ("DELETE", "/v1/responses/resp_1", "litellm"),
        ("GET", "/v1/files", "litellm"),
        ("POST", "/v1/batches", "litellm"),
        ("GET", "/v1/models", "litellm"),
        ("GET", "/docs", "host"),
        ("GET", "/", "host"),
        ("POST", "/key/generate", "host"),
        ("POST", "/v1/config/update", "host"),
        ("POST", "/model/new", "host"),
        ("GET", "/health", "host"),
    ],
)
@pytest.mark.parametrize("enabled", [True, False])
def test_case_13_passthrough(method: str, path: str, side: str, enabled: bool, start: Start) -> None:
    setup = start(passthrough_mode=True, enabled=enabled, models=None)
    body = json.dumps(ask("any")).encode() if method == "POST" else None
    headers = [("content-type", "application/json")] if body else []
    got = setup.gateway.call(method, path, body, headers)
    assert (got.status, got.route) == (200, side)
    assert setup.counts() == ((1, 0) if side == "host" else (0, 1))
    if side == "litellm":
        assert setup.litellm.last.header("authorization") == f"Bearer {KEY}"


def test_case_14_both_forms_are_equal(tmp_path: Path) -> None:
    flat: dict[str, Any] = yaml.safe_load(FLAT)
    own = {
        "enabled": flat["litellm-hybrid-mode"],
        "base-url": flat["litellm-base-url"],
        "api-key": flat["litellm-api-key"],
        "models": flat["litellm-models"],
        "passthrough-mode": flat["litellm-passthrough-mode"],
        "model-mappings": {"a": "b"},
        "fallback": {"enabled": True},
    }
    one = write(
        tmp_path / "one.yaml", FLAT + "litellm-model-mappings: {a: b}\nlitellm-fallback-enabled: true\nport: 8317\n"
    )
    other = write(tmp_path / "other.yaml", {"extensions": {"litellm": own, "of-another": 1}, "port": 8317})
    assert replace(load(one), warnings=()) == replace(load(other), warnings=())


@pytest.mark.parametrize("text", [FLAT, NAMESPACED], ids=["flat", "namespaced"])
@pytest.mark.parametrize(
    ("method", "path", "model", "side"),
    [
        ("POST", "/api/provider/openai/v1/chat/completions", "gpt-5", "litellm"),
        ("POST", "/v1/chat/completions", "GPT-5-Codex", "litellm"),
        ("POST", "/api/provider/anthropic/v1/messages", "claude-3-opus", "host"),
        ("GET", "/v1/chat/completions", "gpt-5", "host"),
    ],
)
def test_case_14_the_examples_as_they_stand(
    text: str, method: str, path: str, model: str, side: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "routing.yaml", text)
    done = route("explain", method, path, "--model", model)
    assert done.exit_code == 0, done.output
    assert side in done.output.lower()
    assert "sk-" not in done.output


@pytest.mark.parametrize("text", [FLAT, NAMESPACED], ids=["flat", "namespaced"])
def test_case_14_the_examples_route(text: str, start: Start, litellm: Server) -> None:
    """As they stand, but for the port."""
    setup = start(text.replace("http://localhost:4000", litellm.url))
    for model in ("gpt-5", "GPT-5-codex"):
        assert setup.gateway.post("/api/provider/openai/v1/chat/completions", ask(model)).is_from("litellm")
    assert litellm.last.header("authorization") == f"Bearer {'sk-xxx' if text is NAMESPACED else 'sk-your-litellm-key'}"
    assert setup.gateway.post("/api/provider/anthropic/v1/messages", ask("claude-3-opus")).is_from("host")
    assert setup.counts() == (1, 2)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (FLAT + NAMESPACED, "extensions"),
        (FLAT + "litellm-modles: [a]\n", "litellm-models"),
        (NAMESPACED + "    modles: [a]\n", "models"),
        (NAMESPACED + "    fallback: {hold-second: 1}\n", "hold-seconds"),
        (FLAT.replace("http://localhost:4000", "ftp://localhost"), "base-url"),
        (FLAT.replace("http://localhost:4000", "http://user:secret-word@localhost"), "base-url"),
        (FLAT.replace("http://localhost:4000", "http://localhost?a=b"), "base-url"),
        (FLAT.replace('"http://localhost:4000"', "5"), "base-url"),
        (FLAT.replace("litellm-hybrid-mode: true", "litellm-hybrid-mode: maybe"), "hybrid-mode"),
        (NAMESPACED.replace('- "gpt-5"\n', "- 5\n"), "models"),
        (NAMESPACED.replace('    base-url: "http://localhost:4000"\n', ""), "base-url"),
        ("- a\n", "list"),
        ("a: [b\n", "line"),
    ],
)
def test_case_14_wrong_files_are_refused_in_a_sentence(text: str, named: str, tmp_path: Path) -> None:
    file = tmp_path / "routing.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r".") as caught:
        load(file)
    sentence = str(caught.value)
    assert named in sentence
    assert "secret-word" not in sentence
    assert "sk-" not in sentence
    done = route("check", "--config", str(file))
    assert done.exit_code == 2, done.output
    assert named in done.output
    assert "Traceback" not in done.output

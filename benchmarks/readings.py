"""What callers get of the replies of replies.py, through the rendered provider and LiteLLM's own, as a table.

`python -m benchmarks.readings` renders the package, runs itself in its environment and writes results/<date>-readings.md.
It ends with status 1 where another provider reads a reply right that the rendered one reads wrong.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

from benchmarks.prepare import ROOT, provider_environment, rendered_package
from benchmarks.replies import REPLIES, Reply

PROVIDERS = ("acme-ai", "openai", "hosted_vllm")
_RESULTS = Path(__file__).parent / "results"


class _Handler(BaseHTTPRequestHandler):
    """Answers a request with the reply whose number is in its path; the connection ends with the body."""

    def do_POST(self) -> None:
        reply = REPLIES[int(self.path.split("/")[1])]
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(reply.status)
        if reply.content_type:
            self.send_header("content-type", reply.content_type)
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def _read(provider: str, base: str, reply: Reply) -> dict[str, Any]:
    """What a caller gets."""
    import litellm

    arguments: dict[str, Any] = {
        "model": f"{provider}/chat-large",
        "api_base": base,
        "api_key": "sk-benchmark",
        "messages": [{"role": "user", "content": "Hi"}],
        "max_retries": 0,
        "timeout": 10,
    }
    try:
        if not reply.streamed:
            answer = litellm.completion(**arguments)
        else:
            stream = litellm.completion(stream=True, stream_options={"include_usage": True}, **arguments)
            chunks = list(stream)
            answer = litellm.stream_chunk_builder(chunks) if chunks else None
    except Exception as error:
        # In a stream, LiteLLM wraps what the router needs for its fallbacks.
        inner = getattr(error, "original_exception", None) or error
        return {"error": type(inner).__name__, "says": str(inner)}
    if answer is None or not answer.choices:
        return {"text": ""}
    choice = answer.choices[0]
    usage = getattr(answer, "usage", None)
    return {
        "text": choice.message.content or "",
        "reasoning": getattr(choice.message, "reasoning_content", None) or "",
        "calls": [(call.function.name, call.function.arguments) for call in choice.message.tool_calls or []],
        "finish": choice.finish_reason,
        "usage": (usage.prompt_tokens, usage.completion_tokens) if usage else None,
    }


def _is_right(read: Mapping[str, Any], right: Mapping[str, Any]) -> bool:
    """Whether the caller got what the bytes say; any class will do where the bytes name none."""
    if "error" in right:
        named = right["error"] == "Error" or read.get("error") == right["error"]
        return "error" in read and named and right["says"].lower() in read["says"].lower()
    if "calls" in right and "calls" in read:
        read = {**read, "calls": [(name, json.loads(arguments or "null")) for name, arguments in read["calls"]]}
        right = {**right, "calls": [(name, json.loads(arguments)) for name, arguments in right["calls"]]}
    return all(read.get(name) == value for name, value in right.items())


def run() -> list[list[tuple[bool, str]]]:
    """Returns, for each reply and provider, whether it is read right, and what was read; needs the package's environment."""
    import litellm

    litellm.suppress_debug_info = True
    import_module("litellm_acme_ai").register()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    rows = []
    for number, reply in enumerate(REPLIES):
        base = f"http://127.0.0.1:{server.server_address[1]}/{number}"
        reads = [_read(provider, base, reply) for provider in PROVIDERS]
        rows.append([(_is_right(read, reply.right), _in_words(read)) for read in reads])
    server.shutdown()
    return rows


def _in_words(read: Mapping[str, Any]) -> str:
    if "error" in read:
        return f"{read['error']}: {read['says']}"
    return json.dumps(read)


def report(date: str, rows: Sequence[Sequence[tuple[bool, str]]], version: str) -> str:
    """Returns the table as Markdown.

    Args:
        date: of the run.
        rows: what `run` returned.
        version: LiteLLM's.
    """
    lines = [
        f"# Who reads what, {date}",
        "",
        f"LiteLLM {version}; each row is one reply of an upstream, the same bytes for all three. `python -m benchmarks.readings` makes this",
        "table, and `benchmarks/replies.py` has the bytes with what is right.",
        "",
        "| | Reply | provider | `openai/` | `hosted_vllm/` |",
        "| --- | --- | --- | --- | --- |",
    ]
    for reply, row in zip(REPLIES, rows, strict=True):
        marks = " | ".join("right" if right else "wrong" for right, _ in row)
        lines.append(f"| {reply.point} | {reply.name} | {marks} |")
    counts = [sum(row[place][0] for row in rows) for place in range(len(PROVIDERS))]
    lines.append(f"| | of {len(REPLIES)} | {' | '.join(map(str, counts))} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Reads the options and runs."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.readings", description=__doc__)
    parser.add_argument("--date", default=datetime.now(UTC).date().isoformat(), help="date of the report (ISO)")
    parser.add_argument("--inside", action="store_true", help="in the package's environment: print what was read")
    parser.add_argument("--verbose", action="store_true", help="also what was read wrong")
    options = parser.parse_args()
    if options.inside:
        print(json.dumps([run(), metadata.version("litellm")]))
        return
    with tempfile.TemporaryDirectory() as folder:
        programs = provider_environment(rendered_package(Path(folder)))
    command: list[str | Path] = [programs / "python", "-m", "benchmarks.readings", "--inside"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    rows, version = json.loads(done.stdout.splitlines()[-1])
    text = report(options.date, rows, version)
    print(text)
    (_RESULTS / f"{options.date}-readings.md").write_text(text, encoding="utf-8")
    for reply, (ours, *_) in zip(REPLIES, rows, strict=True):
        if options.verbose and not ours[0]:
            print(f"{reply.name}: {ours[1]}")
    worse = [
        reply.name
        for reply, (ours, *others) in zip(REPLIES, rows, strict=True)
        if not ours[0] and any(other[0] for other in others)
    ]
    if worse:
        sys.exit(f"others read right what the rendered provider reads wrong: {', '.join(worse)}")


if __name__ == "__main__":
    main()

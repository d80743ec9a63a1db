"""`make demo`, its second part: one door, two sides, with OpenAI's client. Template's file: do not edit.

The host is a small server of this file, which has used up the quota of one model. LiteLLM's proxy runs on
proxy/config.yaml, with the embedded upstream in the place of the real one.
"""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import openai

from ...package import answers, models
from ...upstream import UpstreamFormat
from ..auth.account import open_account
from ..demo import say
from ..proxy import Proxy
from ..server import Upstream
from .gateway import config, write
from .processes import serve

USED_UP = "house-large"


class _Host(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if asked["model"] == USED_UP:
            self._answer(429, {"error": {"message": "Usage limit reached", "type": "usage_limit_reached"}}, "3600")
            return
        message = {"role": "assistant", "content": f"The host says: {asked['messages'][-1]['content']}"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        whole = {"id": "1", "object": "chat.completion", "created": 0, "model": asked["model"], "choices": [choice]}
        self._answer(200, whole)

    def _answer(self, status: int, content: dict[str, Any], retry_after: str = "") -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        if retry_after:
            self.send_header("retry-after", retry_after)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def _host() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Host)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def main() -> None:
    """Runs the demo; an exception is its only way to fail."""
    if "chat" not in answers.CAPABILITIES:
        say("\nrouting: is shown with chats, which this package has none of; make test-routing goes through all cases")
        return
    model = next(iter(models.load_models()))
    with (
        tempfile.TemporaryDirectory() as folder,
        Upstream(UpstreamFormat()) as upstream,
        open_account(Path(folder)) as account,
        _host() as host,
    ):
        upstream.guard = account.accepts
        say("\nrouting: LiteLLM proxy: starting ...", end=" ")
        with Proxy(upstream.url, account.environment, Path(folder)) as proxy:
            settings = {"models": [model], "model_mappings": {USED_UP: model}, "fallback": {"enabled": True}}
            file = write(Path(folder) / "routing.yaml", config(proxy.url, api_key=proxy.key, **settings))
            with serve(file, "--host-url", host) as served:
                url = f"http://127.0.0.1:{served.client.port}"
                say(f"{proxy.url}\ngateway: {url}, in front of the host {host}")
                client = openai.OpenAI(base_url=f"{url}/v1", api_key="the-client's-own", max_retries=0)
                for what, name in (("routed", model), ("not routed", "house-small"), ("the host answers 429", USED_UP)):
                    _call(client, what, name)


def _call(client: openai.OpenAI, what: str, model: str) -> None:
    message: Any = {"role": "user", "content": "Hello"}
    raw = client.chat.completions.with_raw_response.create(model=model, messages=[message])
    say(f"\n{what}: model {model}\n          < {raw.parse().choices[0].message.content}")
    say(f"            x-litellm-route: {raw.headers['x-litellm-route']}")


if __name__ == "__main__":
    main()

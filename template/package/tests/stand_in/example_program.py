"""The imaginary program of transformation.py, for the tests. Yours to edit, or to replace by one that plays your program.

What it says comes from the upstream that the tests play: it hands on what it reads there, line by line, as the real program
would hand on what its own service says. Only modules that load fast, as each call starts it.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
from urllib.parse import urlsplit


def main() -> int:
    """Answers what is on stdin; returns the exit status."""
    base = urlsplit(os.environ.get("EXAMPLE_BASE_URL", ""))
    if not base.hostname:
        sys.stderr.write("EXAMPLE_BASE_URL is not set: there is no service to ask\n")
        return 2
    connection = http.client.HTTPConnection(base.hostname, base.port or 80)
    token = os.environ.get("EXAMPLE_TOKEN")
    headers = {"authorization": f"Bearer {token}"} if token else {}
    headers |= {"content-type": "application/json", **json.loads(os.environ.get("EXAMPLE_HEADERS") or "{}")}
    try:
        connection.request("POST", f"{base.path}/chat", sys.stdin.buffer.read(), headers)
        response = connection.getresponse()
        if response.status != 200:
            return refused(response)
        if response.headers.get_content_type() == "application/json":
            for event in json.load(response)["events"]:
                say(json.dumps(event).encode() + b"\n")
            return 0
        while line := response.readline():
            say(line)
    except (OSError, http.client.HTTPException) as error:
        sys.stderr.write(f"the connection to the service broke: {type(error).__name__}\n")
        return 1
    return 0


def refused(response: http.client.HTTPResponse) -> int:
    """Prints the error of a response."""
    body = response.read().decode("utf-8", "replace")
    try:
        error = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        error = {"message": body}
    event = {"type": "error", "status": response.status, **error}
    if (seconds := response.headers.get("retry-after", "")).isdigit():
        event["retry_after"] = int(seconds)
    say(json.dumps(event).encode() + b"\n")
    return 1


def say(line: bytes) -> None:
    """Prints at once."""
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main())

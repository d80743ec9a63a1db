"""A process that makes calls with the provider's authentication, without LiteLLM. Template's file: do not edit.

Arguments: the package's name, a URL, a number of calls. It says `ready`, reads a line that is a JSON object with the method,
the path, the query, the headers and the body of its requests, then calls.
"""

from __future__ import annotations

import importlib
import json
import logging
import sys

import httpx


def main(package: str, url: str, calls: int) -> None:
    """Prints the status of each call."""
    logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)
    make_authenticator = importlib.import_module(f"{package}.auth").make_authenticator
    load_settings = importlib.import_module(f"{package}.settings").load_settings
    authenticator = make_authenticator(load_settings())
    with httpx.Client(trust_env=False) as client:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sent = json.loads(sys.stdin.readline())
        request = {"headers": sent["headers"], "params": sent["params"], "content": sent["body"].encode("latin-1")}
        for _ in range(calls):
            auth = authenticator.for_call(None)
            response = client.request(sent["method"], url + sent["path"], **request, auth=auth)
            sys.stdout.write(f"status={response.status_code}\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))

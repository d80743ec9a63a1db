"""The command line for images. Template's file: do not edit."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ..package import answers, cli
from .image_calls import BLUE, BYTES, RED
from .server import Pictures, Refusal, Upstream

generation = pytest.mark.skipif("images" not in answers.CAPABILITIES, reason="declared: it makes no images")
edits = pytest.mark.skipif("image_edits" not in answers.CAPABILITIES, reason="declared: it edits no images")


def run(*arguments: str) -> Any:
    """Runs a command in this process, in the folder of the test."""
    return CliRunner().invoke(cli.app, arguments)


@generation
def test_image(upstream: Upstream) -> None:
    upstream.will(Pictures((RED,)))
    done = run("image", "a cat", "--size", "1024x1024", "--output", "cat.png")
    assert upstream.last["prompt"] == "a cat"
    if BYTES["images"]:
        assert (done.exit_code, done.stdout) == (0, "cat.png\n"), done.stderr
        assert Path("cat.png").read_bytes() == RED
    else:
        assert (done.exit_code, "the upstream keeps the image at http" in done.stdout) == (0, True)


@generation
def test_no_file_is_written_over(upstream: Upstream) -> None:
    Path("image.png").write_bytes(b"mine")
    done = run("image", "a cat")
    assert done.exit_code == 1
    assert "image.png is there already" in done.stderr
    assert (upstream.requests, Path("image.png").read_bytes()) == ([], b"mine")
    upstream.will(Pictures((RED,)))
    assert run("image", "a cat", "--force").exit_code == 0
    assert Path("image.png").read_bytes() == (RED if BYTES["images"] else b"mine")


@generation
def test_image_that_fails(upstream: Upstream) -> None:
    upstream.will(Refusal(400, "content_policy_violation", "not this"))
    done = run("image", "a cat")
    assert (done.exit_code, "not this" in done.stderr, "Traceback" in done.stderr) == (1, True, False)
    assert os.listdir() == []
    if BYTES["images"]:
        upstream.will(Pictures((RED,)))
        done = run("image", "a cat", "--output", "nonesuch/cat.png")
        assert (done.exit_code, "nonesuch/cat.png cannot be written" in done.stderr) == (1, True)


@edits
def test_edit(upstream: Upstream) -> None:
    Path("cat.png").write_bytes(RED)
    Path("mask.png").write_bytes(BLUE)
    upstream.will(Pictures((BLUE,)))
    done = run("image", "a hat", "--from", "cat.png", "--mask", "mask.png", "-o", "hat.png")
    assert done.exit_code == 0, done.stderr
    assert upstream.last["image"] == [RED]
    if BYTES["image_edits"]:
        assert Path("hat.png").read_bytes() == BLUE
    done = run("image", "a hat", "--from", "nonesuch.png", "-o", "other.png")
    assert (done.exit_code, "nonesuch.png" in done.stderr) == (1, True)


def test_doctor_makes_no_image(upstream: Upstream) -> None:
    done = run("doctor")
    assert done.exit_code == 0, done.stdout + done.stderr
    assert "works as far as can be told without an image" in done.stdout
    assert not [request for request in upstream.requests if "prompt" in str(request.body)]
    upstream.guard = lambda received: False
    done = run("doctor")
    assert (done.exit_code, "fails: " in done.stderr) == (1, True)


@generation
def test_doctor_makes_an_image_if_told_to(upstream: Upstream) -> None:
    done = run("doctor", "--image")
    assert done.exit_code == 0, done.stdout + done.stderr
    assert "prompt" in upstream.last

"""Images on their way to the upstream. Template's file: do not edit."""

from ..package import part


def test_body() -> None:
    files = part("image_files")
    assert b"".join(files.json_body({"a": files.ImageFile(b"abcd", "x")})) == b'{"a":"YWJjZA=="}'

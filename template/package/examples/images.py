"""An image from a prompt, into a file: `python -m examples.images`."""

from base64 import b64decode
from pathlib import Path
from typing import Any

from litellm import image_generation

from . import IMAGE_MODEL

answer: Any = image_generation("A lighthouse on a cliff, at dusk", model=IMAGE_MODEL, response_format="b64_json")
Path("lighthouse.png").write_bytes(b64decode(answer.data[0].b64_json))
print("lighthouse.png", answer.usage)

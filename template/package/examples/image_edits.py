"""Another image from one in a file: `python -m examples.image_edits lighthouse.png`."""

import sys
from base64 import b64decode
from pathlib import Path
from typing import Any

from litellm import image_edit

from . import IMAGE_MODEL

given: Any = Path(sys.argv[1])
answer: Any = image_edit(image=given, prompt="Let it snow", model=IMAGE_MODEL, response_format="b64_json")
Path("edited.png").write_bytes(b64decode(answer.data[0].b64_json))
print("edited.png", answer.usage)

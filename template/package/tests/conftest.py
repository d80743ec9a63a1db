"""Which LiteLLM the tests are about. Template's file: do not edit."""

import importlib.util
import os
from pathlib import Path

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # its own prices, not those of the network
if (found := importlib.util.find_spec("litellm")) and found.origin:
    # Programs that the tests start in other folders import the same one.
    paths = [str(Path(found.origin).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)

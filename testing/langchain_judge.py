"""`make test-langchain`: LangChain's standard tests of chat models over each format, through ChatOpenAI and a LiteLLM proxy.

The tests are langchain-tests', run by testing/langchain_suite in .venv-langchain; what fails there stands in its expected.py.
`python -m testing.langchain_judge [argument of pytest …]`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from testing.answers import ROOT
from testing.memory import keep_temporary_files_in_memory
from testing.one_proxy import serving
from testing.support import EVERYTHING, copy_template, environment, install_tools, render

SUITE = ROOT / "testing" / "langchain_suite"
PYTHON = ROOT / ".venv-langchain" / "bin" / "python"


def main(arguments: list[str]) -> int:
    """Runs the suite; returns its exit status."""
    keep_temporary_files_in_memory()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "judge")
        folder.mkdir()
        template = copy_template(Path(name, "template"))
        tools = install_tools(render(template, Path(name, "everything"), EVERYTHING), "main")
        with serving(template, folder, tools) as told:
            more = {
                "LANGCHAIN_JUDGE": json.dumps(told),
                "LANGSMITH_TRACING": "false",
                "NO_PROXY": "127.0.0.1",
                "PYTHONPATH": os.pathsep.join(map(str, (folder, ROOT))),
            }
            command = (str(PYTHON), "-m", "pytest", "-c", str(SUITE / "pytest.ini"), *arguments, str(SUITE))
            done = subprocess.run(command, cwd=ROOT, env=environment(**more), check=False)
    used = os.times()
    sys.stdout.write(f"{sum(used[:4]):.0f} s of CPU, the proxy's included\n")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

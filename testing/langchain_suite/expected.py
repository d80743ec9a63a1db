"""What of LangChain's suite fails, and whose it is: each has to fail, and for that reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Failure:
    """A test that fails.

    Args:
        test: its name, without parameters.
        whose: `the format's`, `the template's`, `LiteLLM's` or `LangChain's`.
        why: a sentence.
        found: what the exception says, in part.
        formats: over which of these; over all where there are none.
        endpoints: `chat` or `responses`; both where there are none.
    """

    test: str
    whose: str
    why: str
    found: str
    formats: Sequence[str] = ()
    endpoints: Sequence[str] = ()

    def is_of(self, test: str, name: str, endpoint: str) -> bool:
        """Tells whether it is the failure of a test, over a format and on an endpoint."""
        return (
            test == self.test
            and (not self.formats or name in self.formats)
            and (not self.endpoints or endpoint in self.endpoints)
        )


FAILURES: Sequence[Failure] = (
    Failure(
        "test_stop_sequence",
        "LangChain's",
        "Responses has no stop sequences, so ChatOpenAI leaves them out",
        "nothing was said of where to stop",
        endpoints=["responses"],
    ),
    Failure(
        "test_stop_sequence",
        "the format's",
        "Responses has no stop sequences: they are refused, or left out with drop_params",
        "does not support parameters: ['stop']",
        formats=["responses"],
        endpoints=["chat"],
    ),
    Failure(
        "test_audio_inputs",
        "LiteLLM's",
        "its translation of Responses leaves out parts without a text that are neither images nor files",
        "no file came with 'Describe this audio:'",
        endpoints=["responses"],
    ),
    Failure(
        "test_audio_inputs",
        "LiteLLM's",
        "Messages has no audio, and its translation to Messages leaves it out without a word",
        "no file came with 'Describe this audio:'",
        formats=["anthropic"],
        endpoints=["chat"],
    ),
    Failure(
        "test_audio_inputs",
        "the template's",
        "the API of the worked translation has no audio",
        "content of type 'input_audio' is not supported",
        formats=["custom"],
        endpoints=["chat"],
    ),
    Failure(
        "test_pdf_tool_message",
        "LiteLLM's",
        "its translation of Responses makes a text of a file that a tool has found",
        "no file came with 'Get a random PDF",
        endpoints=["responses"],
    ),
    Failure(
        "test_pdf_tool_message",
        "the template's",
        "in the API of the worked translation, tools find text",
        "no file came with 'Get a random PDF",
        formats=["custom"],
        endpoints=["chat"],
    ),
    Failure(
        "test_image_tool_message",
        "the template's",
        "in the API of the worked translation, tools find text",
        "no file came with 'get a random diagram",
        formats=["custom"],
    ),
    Failure(
        "test_pdf_inputs",
        "the template's",
        "the API of the worked translation has no files",
        "content of type 'file' is not supported",
        formats=["custom"],
    ),
)
SKIPPED = "VCR not set up."
"""The one reason for which a test is left out: it takes the time of an answer that was recorded."""

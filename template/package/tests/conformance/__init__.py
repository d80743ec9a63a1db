"""What any provider needs, as tests. Template's file: do not edit."""

import gc

# LiteLLM is some thousand modules, and none of them is garbage: importing it takes a fifth less time so.
gc.set_threshold(100_000)

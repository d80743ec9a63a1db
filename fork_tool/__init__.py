"""Keeps a fork of LiteLLM in step with upstream; needs nothing but Python 3.11 and git.

In a fork this folder is `fork/tool`: `python fork/tool --help`. A fork's tree is always composed: upstream's tree, plus
the paths that the fork owns, plus insertions between markers. So a new version of upstream is not merged, it is composed
anew, and what does not fit is refused. It imports nothing but the standard library; `provider_template` imports from it.
"""

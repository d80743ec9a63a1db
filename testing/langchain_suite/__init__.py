"""LangChain's standard tests of chat models: testing/langchain_judge.py runs them, in .venv-langchain."""

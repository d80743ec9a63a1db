"""Tests of the template: its questions, its renders, and the rendered package's own suite."""

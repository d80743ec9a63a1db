"""What tests, scripts and benchmarks share: rows of answers, renders and checks of them, stand-ins for forges and wizards."""

"""`python -m provider_template`."""

from provider_template.cli import main

main()

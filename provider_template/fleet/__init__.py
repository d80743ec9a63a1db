"""Many rendered providers, seen together: what `fleet.toml` names, and what each package is at."""

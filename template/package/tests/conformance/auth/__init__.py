"""How the provider authenticates, tested against a real authorization server on loopback. Template's."""

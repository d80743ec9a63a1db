"""The command `provider-template`: what updates of rendered providers need beyond `copier update`."""

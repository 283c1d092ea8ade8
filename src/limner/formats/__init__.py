"""Public dataset formats in and out: look one up with `limner.formats.registry.load(name)`."""

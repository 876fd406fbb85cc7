"""Where cells run; found by name through `bench.plugins.registry`."""

"""Where training can be followed; found by name through `bench.plugins.registry`."""

"""What is made of stored results, one report per file; found by name through `bench.plugins.registry`."""

"""Datasets, one per file; found by name through `bench.plugins.registry`."""

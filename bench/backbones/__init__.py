"""Networks under the hash layer: by name, where they come from, and their weights."""

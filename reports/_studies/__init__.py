"""Studies that results hold: variants, pairs of them, and settings that were varied."""

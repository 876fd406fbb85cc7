"""The grid: what is asked for, what of it is left to do, running it, and how far it is."""

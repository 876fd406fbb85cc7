"""The grid: what is to be run (spec, plan), what a cell is, where its result is kept."""

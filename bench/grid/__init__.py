"""The grid: what is asked for (spec, plan), what a cell is, where its result is kept.

And what is done with whole folders of cells: they are watched, compared, tuned, run again, given to others.
"""

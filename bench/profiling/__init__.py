"""Where a cell's time goes: a few epochs of it run again, with some of their steps under torch's profiler."""

from bench.profiling.cell import profile_cell
from bench.profiling.report import Profile

__all__ = ["Profile", "profile_cell"]

"""Cells in processes of their own: one that is killed, hangs or takes all memory ends nothing but itself."""

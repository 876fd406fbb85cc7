"""What grids are made for: studies, tuning, comparing methods, and running a cell again."""

"""Whether results are still what they were: a small grid is run again, and compared with bands learned from seeds."""

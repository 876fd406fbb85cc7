"""Sets of binary centers: bounds on their distance, constructions, searches, and assignment to classes."""

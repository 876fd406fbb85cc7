"""What figures have in common, and the parts of single ones."""

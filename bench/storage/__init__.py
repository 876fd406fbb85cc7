"""Where results are kept: what a cell is, its folder, what it was made with; given to others and taken from them."""

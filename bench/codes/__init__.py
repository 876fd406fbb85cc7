"""Binary codes of items: packing, distance histograms and ranks, on CPU and GPU."""

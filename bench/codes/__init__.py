"""Binary codes: packing, distance histograms, Hadamard rows, codebooks, assignment, bounds."""

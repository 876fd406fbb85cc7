"""From codes to numbers: exact retrieval metrics and the semantic alignment of centers."""

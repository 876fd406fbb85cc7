"""What datasets share: splits, decoding with a cache, fingerprints, archives read without trust."""

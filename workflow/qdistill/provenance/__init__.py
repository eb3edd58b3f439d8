"""What a study was made from, with the digests of all its files."""

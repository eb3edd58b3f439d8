"""What a device would return: counts through noisy gates, at a price."""

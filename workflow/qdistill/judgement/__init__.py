"""Statistics of metrics: comparisons, attribution, crossovers, transfer, overfitting, choice."""

"""Statistics of metrics: comparisons, crossovers, retained fractions, published figures."""

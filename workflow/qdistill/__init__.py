"""qdistill: train a quantum bottleneck on scarce data, distil it, and judge the result.

Importing this package loads nothing heavy; each module imports what it needs.
"""

__version__ = "0.2.0"

"""The bottlenecks, one class in one file each; see :mod:`qdistill.registry`."""

"""One thread for every library that would take more."""

import os

_COUNTS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_XLA = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


def use_one_thread() -> None:
    """Set the environment so that all numerical libraries use one thread.

    To be called before any of them is imported: most look once, when they are loaded. (For
    torch there is :func:`qdistill.circuits.threads.prepare_torch`.) A job that has all cores to
    itself is told by Snakemake to use them all.
    """
    os.environ.update(dict.fromkeys(_COUNTS, "1"))
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {_XLA}".strip()

"""Resample held-out rows beside seeds, for one data set and protocol."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from dataclasses import replace

    from qdistill.circuits.threads import prepare_torch
    from qdistill.datasets.problem import Problem
    from qdistill.datasets.subsets import resolve_sizes
    from qdistill.training.row_errors import resample_rows

    prepare_torch(snakemake.threads, snakemake.config["engine"])
    job, settings = snakemake.input, snakemake.params.settings
    subsets = [job.subsets] if isinstance(job.subsets, str) else job.subsets
    wildcards, params = snakemake.wildcards, snakemake.params
    sizes = resolve_sizes(params.sizes, subsets[0])
    whole = Problem(wildcards.dataset, wildcards.protocol, params.width, sizes, job.latents, "")
    weights = iter(job.weights)
    resample_rows(
        [replace(whole, subsets=path) for path in subsets],
        {name: [next(weights) for _ in subsets] for name in settings},
        settings,
        snakemake.output[0],
    )

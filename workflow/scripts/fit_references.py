"""Fit all references without training, at every n."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.datasets.problem import Problem
    from qdistill.training.references import fit_references

    fit_references(
        snakemake.params.names,
        Problem.of_job(snakemake),
        snakemake.params.settings,
        snakemake.output.metrics,
    )

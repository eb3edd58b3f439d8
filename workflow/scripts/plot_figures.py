"""Draw all figures of one data set and protocol."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.figures.problem import plot_problem

    plot_problem(
        dict(snakemake.input.items()),
        snakemake.input.histories,
        snakemake.input.unitaries,
        dict(snakemake.output.items()),
        snakemake.wildcards.dataset,
        snakemake.wildcards.protocol,
        snakemake.params.angles,
    )

"""Draw held-out error over training error against n for one data set."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.figures.gap import plot_gap

    plot_gap(
        snakemake.input.metrics,
        snakemake.wildcards.dataset,
        [snakemake.output.svg, snakemake.output.png],
    )

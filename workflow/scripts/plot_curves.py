"""Draw training and held-out error by epoch for one data set."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.figures.curves import plot_curves

    plot_curves(
        snakemake.input.histories,
        snakemake.wildcards.dataset,
        [snakemake.output.svg, snakemake.output.png],
    )

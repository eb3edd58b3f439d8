"""Draw what the codes of one data set and protocol are good for."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.figures.downstream import plot_downstream

    plot_downstream(
        snakemake.input.downstream,
        snakemake.wildcards.dataset,
        snakemake.wildcards.protocol,
        [snakemake.output.svg, snakemake.output.png],
    )

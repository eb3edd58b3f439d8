"""Draw one of the figures of a whole study."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.figures.harness import plot_study

    output = snakemake.output
    plot_study(snakemake.params.figure, snakemake.input[0], [output.svg, output.png])

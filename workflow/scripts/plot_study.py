"""Draw one of the figures of a whole study."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.figures.harness import plot_study

    output, params = snakemake.output, snakemake.params
    files = [output.svg, output.png]
    plot_study(params.figure, snakemake.input[0], files, params.left_out)

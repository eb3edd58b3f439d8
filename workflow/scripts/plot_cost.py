"""Draw what training and inference cost."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.figures.cost import plot_cost

    plot_cost(snakemake.input.cost, [snakemake.output.svg, snakemake.output.png])

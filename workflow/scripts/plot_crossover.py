"""Draw held-out error against n for one data set."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.figures.crossover import plot_crossover

    plot_crossover(
        snakemake.input.metrics,
        snakemake.input.crossover,
        snakemake.input.published,
        snakemake.input.latents,
        snakemake.wildcards.dataset,
        [snakemake.output.svg, snakemake.output.png],
    )

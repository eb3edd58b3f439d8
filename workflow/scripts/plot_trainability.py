"""Draw where circuits can be trained on the targets of circuits."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.figures.trainability import plot_trainability

    plot_trainability(
        snakemake.input.trainability,
        [snakemake.output.svg, snakemake.output.png],
    )

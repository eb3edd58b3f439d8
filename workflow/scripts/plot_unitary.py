"""Draw the unitary that a trained circuit applies, for one data set."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.figures.unitary import plot_unitary

    plot_unitary(
        snakemake.input.unitary,
        snakemake.wildcards.dataset,
        [snakemake.output.svg, snakemake.output.png],
    )

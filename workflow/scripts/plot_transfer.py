"""Draw the fraction of the quantum model's lead that each student retains, for one data set."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.figures.transfer import plot_transfer

    plot_transfer(
        snakemake.input.transfer,
        snakemake.wildcards.dataset,
        [snakemake.output.svg, snakemake.output.png],
    )

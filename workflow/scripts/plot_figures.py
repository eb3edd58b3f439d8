"""Draw all figures of one data set and protocol."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.figures.harness import plot_figures

    plot_figures(
        {**dict(snakemake.input.items()), **dict(snakemake.params.items())},
        snakemake.wildcards.dataset,
        snakemake.wildcards.protocol,
        dict(snakemake.output.items()),
    )

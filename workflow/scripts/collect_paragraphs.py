"""Collect paragraphs of text and split them by document."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.datasets.generation import collect_paragraphs

    collect_paragraphs(
        snakemake.params.settings,
        largest_n=snakemake.params.largest_n,
        path=snakemake.output[0],
    )

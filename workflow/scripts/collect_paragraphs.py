"""Collect paragraphs of the docstrings of installed packages."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.datasets.docstrings import collect_paragraphs

    collect_paragraphs(snakemake.params.settings, snakemake.output[0])

"""Collect texts in windows and split them by document."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.language.texts import collect_texts

    collect_texts(
        snakemake.params.settings,
        snakemake.input.get("base") or None,
        snakemake.params.largest_n,
        snakemake.output[0],
    )

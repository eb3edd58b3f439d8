"""Find texts that stand in two splits."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.datasets.duplicates import find_duplicates

    find_duplicates(
        snakemake.input.paragraphs,
        path=snakemake.output[0],
        settings=snakemake.params.settings,
    )

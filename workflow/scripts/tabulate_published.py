"""Set the article's published errors beside ours."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.judgement.published import write_published

    write_published(snakemake.input.metrics, snakemake.output[0], snakemake.input.published)

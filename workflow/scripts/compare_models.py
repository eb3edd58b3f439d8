"""Compare models with one another, paired by seed."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.judgement.comparisons import write_comparisons

    write_comparisons(snakemake.input.metrics, snakemake.output[0], snakemake.params.extra)

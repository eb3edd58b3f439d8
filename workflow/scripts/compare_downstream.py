"""Compare what codes are good for with PCA codes and full vectors, paired by seed."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.judgement.downstream import write_downstream_comparisons

    write_downstream_comparisons(snakemake.input.downstream, snakemake.output[0])

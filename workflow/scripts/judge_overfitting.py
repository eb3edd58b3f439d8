"""Judge whether a student only overfits its teacher's outputs on the training rows."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.judgement.overfitting import write_overfitting

    write_overfitting(snakemake.input.metrics, snakemake.input.sweep, snakemake.output[0])

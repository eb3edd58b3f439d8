"""Judge how much of the quantum model's advantage each student keeps."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.judgement.transfer import write_transfer

    write_transfer(snakemake.input.metrics, snakemake.output[0])

"""Say to which model an advantage of the quantum model is owed."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.judgement.attribution import write_attribution

    write_attribution(snakemake.input.comparisons, snakemake.output[0])

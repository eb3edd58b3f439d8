"""Write scikit-learn's digits as latents."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.datasets.digits import write_digits

    write_digits(snakemake.params.settings, snakemake.output[0])

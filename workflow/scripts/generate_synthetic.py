"""Generate the latents of a synthetic data set."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.datasets.synthetic import write_synthetic

    write_synthetic(snakemake.params.settings, snakemake.output[0])

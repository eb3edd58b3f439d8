"""Corrupt the latents of a data set; the clean ones become the targets."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.datasets.corrupted import corrupt_latents

    corrupt_latents(snakemake.input.source, snakemake.params.settings, snakemake.output[0])

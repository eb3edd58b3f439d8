"""Generate the latents of a data set, or load them from a file of the user's."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.datasets.generation import generate_latents

    generate_latents(snakemake.params.settings, snakemake.output[0], snakemake.input)

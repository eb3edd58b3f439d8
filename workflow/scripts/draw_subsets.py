"""Draw each seed's order of the training rows, of which a subset is the first n."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.datasets.subsets import draw_subsets

    draw_subsets(snakemake.input.latents, snakemake.params.seeds, snakemake.output[0])

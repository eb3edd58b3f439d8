"""Draw each seed's order of the training rows, of which a subset is the first n."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.datasets.subsets import draw_subsets

    params = snakemake.params
    draw_subsets(snakemake.input.rows, params.seeds, snakemake.output[0], params.kind)

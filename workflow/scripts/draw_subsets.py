"""Draw each seed's order of the training rows, of which a subset is the first n."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.datasets.subsets import draw_subsets

    params = snakemake.params
    output = snakemake.output[0]
    draw_subsets(
        snakemake.input.rows, params.seeds, output, params.kind, params.needed, params.smallest
    )

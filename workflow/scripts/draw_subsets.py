"""Draw the labelled rows of a block of seeds, nested in n."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.datasets.subsets import draw_subsets
    from qdistill.storage.runs import list_runs

    draw_subsets(
        snakemake.input.latents,
        {run.n: run.subset for run in list_runs(snakemake)},
        snakemake.params.seeds,
    )

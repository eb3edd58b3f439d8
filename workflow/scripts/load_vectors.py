"""Check the user's own vectors and write them as latents."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.datasets.vectors import write_vectors

    write_vectors(
        snakemake.params.settings,
        largest_n=snakemake.params.largest_n,
        path=snakemake.output[0],
    )

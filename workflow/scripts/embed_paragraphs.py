"""Encode paragraphs with a frozen sentence encoder and write them as latents."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.datasets.embedding import embed_paragraphs

    embed_paragraphs(
        snakemake.input.paragraphs,
        cache_path=snakemake.params.cache,
        path=snakemake.output[0],
        settings=snakemake.params.settings,
        threads=snakemake.threads,
        duplicates_path=snakemake.input.get("duplicates") or None,
    )

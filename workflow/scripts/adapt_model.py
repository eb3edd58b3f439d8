"""Adapt a frozen language model by one method at every n, for a block of seeds."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.circuits.threads import prepare_torch
    from qdistill.language.adaptation import LanguageProblem, adapt_model

    prepare_torch(snakemake.threads, snakemake.config["engine"])
    adapt_model(
        snakemake.wildcards.model,
        LanguageProblem.of_job(snakemake),
        snakemake.params.settings,
        dict(snakemake.output.items()),
    )

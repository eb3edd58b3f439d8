"""Obtain one student of a trained circuit inside a language model, for a block of seeds."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.circuits.threads import prepare_torch
    from qdistill.language.adaptation import LanguageProblem
    from qdistill.language.students import distil_adapter

    prepare_torch(snakemake.threads, snakemake.config["engine"])
    distil_adapter(
        snakemake.wildcards.model,
        LanguageProblem.of_job(snakemake),
        snakemake.input.teacher,
        snakemake.params.settings,
        dict(snakemake.output.items()),
    )

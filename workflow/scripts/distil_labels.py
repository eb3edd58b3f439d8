"""Train one student of labels at every n, for a block of seeds at once."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.circuits.threads import prepare_torch
    from qdistill.datasets.problem import Problem
    from qdistill.students.soft_labels import distil_labels

    prepare_torch(snakemake.threads, snakemake.config["engine"])
    distil_labels(
        snakemake.wildcards.model,
        Problem.of_job(snakemake),
        snakemake.input.get("teacher"),
        snakemake.params.settings,
        dict(snakemake.output.items()),
    )

"""Obtain one student from its trained teacher at every n, for a block of seeds at once."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.circuits.threads import prepare_torch
    from qdistill.datasets.problem import Problem
    from qdistill.students.fitting import fit_student

    prepare_torch(snakemake.threads, snakemake.config["engine"])
    fit_student(
        snakemake.wildcards.model,
        Problem.of_job(snakemake),
        snakemake.input.teacher,
        snakemake.input.source,
        snakemake.params.settings,
        dict(snakemake.output.items()),
    )

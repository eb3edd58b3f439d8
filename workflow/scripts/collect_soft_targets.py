"""Write the teacher's codes for its training rows and for the unlabelled rows."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.circuits.threads import prepare_torch
    from qdistill.datasets.problem import Problem
    from qdistill.students.teachers import collect_soft_targets

    prepare_torch(snakemake.threads, snakemake.config["engine"])
    collect_soft_targets(
        Problem.of_job(snakemake),
        snakemake.input.teacher,
        snakemake.params.settings,
        snakemake.output[0],
    )

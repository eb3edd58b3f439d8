"""Write the teacher's codes for its training rows and for the unlabelled rows."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.circuits.threads import prepare_torch
    from qdistill.storage.runs import list_runs
    from qdistill.students.teachers import collect_soft_targets

    prepare_torch(snakemake.threads, snakemake.config["engine"])
    collect_soft_targets(snakemake.input.latents, list_runs(snakemake), snakemake.params.settings)

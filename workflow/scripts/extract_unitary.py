"""Write the matrix of each trained circuit."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.circuits.threads import prepare_torch
    from qdistill.storage.runs import list_runs
    from qdistill.students.teachers import extract_unitaries

    prepare_torch(snakemake.threads, snakemake.config["engine"])
    extract_unitaries(list_runs(snakemake), snakemake.params.seeds, snakemake.params.settings)

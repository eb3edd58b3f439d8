"""Write the matrix of each trained circuit."""

from qdistill.jobs import job_log, prepare_torch

with job_log(snakemake):
    from qdistill.runs import list_runs
    from qdistill.transfer import extract_unitaries

    prepare_torch(snakemake.threads, snakemake.config["engine"])
    extract_unitaries(list_runs(snakemake), snakemake.params.seeds, snakemake.params.settings)

"""Write the matrix of each trained circuit."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.circuits.threads import prepare_torch
    from qdistill.students.teachers import extract_unitary

    prepare_torch(snakemake.threads, snakemake.config["engine"])
    extract_unitary(
        snakemake.wildcards.dataset,
        snakemake.wildcards.protocol,
        snakemake.params.sizes,
        snakemake.input.teacher,
        snakemake.params.settings,
        snakemake.output[0],
        snakemake.input.subsets,
    )

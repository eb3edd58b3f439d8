"""Write the verdict of a study, its details, and the note for MLflow."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.verdict.page import write_verdict

    write_verdict(
        dict(snakemake.input.items()),
        dict(snakemake.output.items()),
        study=snakemake.params.study,
        problems=snakemake.params.problems,
    )

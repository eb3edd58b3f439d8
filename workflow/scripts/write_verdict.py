"""Write the verdict of a study in words, and its table of held-out errors."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.verdict.document import write_verdict

    write_verdict(
        dict(snakemake.input.items()),
        markdown_path=snakemake.output.markdown,
        html_path=snakemake.output.html,
        summary_path=snakemake.output.summary,
        study=snakemake.params.study,
        problems=snakemake.params.problems,
    )

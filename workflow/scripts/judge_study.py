"""Judge a study: comparisons, attribution, crossovers, transfer, overfitting, published figures."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.judgement.equivalence import Margins
    from qdistill.judgement.study import judge_study

    judge_study(
        dict(snakemake.input.items()),
        dict(snakemake.output.items()),
        snakemake.params.extra,
        snakemake.params.problems,
        Margins(**snakemake.params.equivalence),
        snakemake.params.budgets,
        snakemake.params.tolerance,
    )

"""Compare quantum and classical kernels on the n rows of each seed."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.datasets.problem import Problem
    from qdistill.training.geometric_difference import measure_geometry

    problem = Problem.of_job(snakemake)
    measure_geometry(problem, snakemake.params.settings, snakemake.output[0])

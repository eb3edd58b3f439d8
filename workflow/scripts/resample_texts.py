"""Set intervals for other held-out texts beside those for other seeds."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.language.resampling import resample_texts

    resample_texts(snakemake.input, snakemake.params.settings, snakemake.output[0])

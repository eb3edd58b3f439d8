"""Tune one model by cross-validation inside the n examples, at every n."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.circuits.threads import prepare_torch
    from qdistill.storage.runs import list_runs
    from qdistill.training.tuning import tune_model

    prepare_torch(snakemake.threads, snakemake.config["engine"])
    tune_model(
        snakemake.wildcards.model,
        snakemake.wildcards.dataset,
        snakemake.params.qubits,
        snakemake.wildcards.protocol,
        snakemake.input.latents,
        list_runs(snakemake),
        snakemake.params.settings,
    )

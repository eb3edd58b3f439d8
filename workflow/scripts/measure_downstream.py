"""Measure what the codes of all models are good for, for a block of seeds at once."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.circuits.threads import prepare_torch
    from qdistill.downstream.measures import measure_downstream
    from qdistill.storage.runs import list_models

    prepare_torch(snakemake.threads, snakemake.config["engine"])
    measure_downstream(
        snakemake.wildcards.dataset,
        snakemake.params.qubits,
        snakemake.wildcards.protocol,
        snakemake.input.latents,
        list_models(snakemake),
        snakemake.params.settings,
        snakemake.output[0],
    )

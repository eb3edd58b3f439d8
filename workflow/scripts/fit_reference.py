"""Evaluate one reference without training at every n."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.storage.runs import list_runs
    from qdistill.training.references import fit_reference

    fit_reference(
        snakemake.wildcards.model,
        snakemake.wildcards.dataset,
        snakemake.params.qubits,
        snakemake.wildcards.protocol,
        snakemake.input.latents,
        list_runs(snakemake),
        snakemake.params.settings,
    )

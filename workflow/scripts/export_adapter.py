"""Export the study's adapter: safetensors, ONNX and model card."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from pathlib import Path

    from qdistill.adapter.export import ExportFiles, export_adapter
    from qdistill.circuits.threads import prepare_torch
    from qdistill.study.deploy_rules import Deployment
    from qdistill.study.tracking_uri import DEFAULT_URI

    prepare_torch(snakemake.threads, snakemake.config["engine"])
    named = {name: snakemake.input.get(name) for name in ExportFiles.__dataclass_fields__}
    lists = ("subsets", "weights")
    files = ExportFiles(**{k: list(v) if k in lists else v for k, v in named.items()})
    uri = snakemake.params.tracking_uri
    export_adapter(
        files,
        Deployment(**snakemake.params.deployment),
        Path(snakemake.output[0]).parent,
        None if uri is False else uri or DEFAULT_URI,
    )

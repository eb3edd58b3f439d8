"""Export the study's adapter of a language model: weights, configuration and card."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.circuits.threads import prepare_torch
    from qdistill.language.adaptation import LanguageProblem
    from qdistill.language.export import export_language_adapter
    from qdistill.study.deploy_rules import Deployment

    prepare_torch(snakemake.threads, snakemake.config["engine"])
    files, deployment = snakemake.input, Deployment(**snakemake.params.deployment)
    where = (deployment.dataset, deployment.protocol, [deployment.n])
    given = (files.base, files.texts, files.general, files.subsets[0], deployment.settings)
    export_language_adapter(
        {name: files[name] for name in ("metrics", "findings", "choices")},
        files.weights,
        LanguageProblem(*where, *given),
        deployment,
        snakemake.output[0],
    )

# The adapter: one trained model, exported in the forms that people load, and registered.
from dataclasses import asdict

from qdistill.study import adapter_files

ADAPTER_FOLDER = f"{RESULTS}/{DEPLOYMENT.dataset}/adapter" if DEPLOYMENT else None
REGISTERED = (
    f"{RESULTS}/{DEPLOYMENT.dataset}/adapter.json" if DEPLOYMENT and INDEX else []
)


OF_LANGUAGE = DEPLOYMENT is not None and DEPLOYMENT.dataset in LANGUAGE


ADAPTER = []

if OF_LANGUAGE:
    ADAPTER = [ADAPTER_FOLDER]

    rule export_language_adapter:
        input:
            unpack(lambda wildcards: language_files(DEPLOYMENT)),
            **tables_of("metrics", "findings", "choices"),
            subsets=deployed_files(
                data_file(DEPLOYMENT.dataset, "subsets/seeds~{block}.parquet")
            ),
            weights=deployed_files(f"{RUN}/weights.safetensors", DEPLOYMENT.trained),
        output:
            directory(ADAPTER_FOLDER),
        log:
            f"{LOGS}/export_language_adapter.log",
        group:
            REPORT_GROUP
        conda:
            "../../envs/language.yaml"
        resources:
            **NEEDED,
        params:
            deployment=asdict(DEPLOYMENT),
        message:
            "Export the adapter of study '{params.deployment[study]}'"
        script:
            "../scripts/export_language_adapter.py"

    # After the index, since an SQLite store has one writer at a time.
    rule register_language_adapter:
        input:
            adapter=ADAPTER_FOLDER,
            base=language_files(DEPLOYMENT)["base"],
            index=INDEX,
        output:
            receipt=f"{RESULTS}/{DEPLOYMENT.dataset}/adapter.json",
        log:
            f"{LOGS}/register_language_adapter.log",
        localrule: True
        conda:
            "../../envs/language.yaml"
        resources:
            **NEEDED,
        params:
            study=STUDY.name,
            tracking_uri=STUDY.config["mlflow"].get("tracking_uri"),
        message:
            "Register the adapter in MLflow as '{params.study}'"
        script:
            "../scripts/register_language_adapter.py"

elif DEPLOYMENT:
    # File by file: into a folder that it makes, Snakemake puts a hidden file of its own.
    ADAPTER = [f"{ADAPTER_FOLDER}/{name}" for name in adapter_files.FILES]

    rule export_adapter:
        input:
            **tables_of(
                *("metrics", "findings", "choices"),
                *(["retrieval_front"] if DEPLOYMENT.neighbours else []),
            ),
            latents=data_file(DEPLOYMENT.dataset, "latents.parquet"),
            subsets=deployed_files(
                data_file(DEPLOYMENT.dataset, "subsets/seeds~{block}.parquet")
            ),
            weights=deployed_files(f"{RUN}/weights.safetensors", DEPLOYMENT.trained),
        output:
            ADAPTER,
        log:
            f"{LOGS}/export_adapter.log",
        group:
            REPORT_GROUP
        conda:
            "../../envs/deploy.yaml"
        resources:
            **NEEDED,
        params:
            deployment=asdict(DEPLOYMENT),
            tracking_uri=STUDY.config["mlflow"].get("tracking_uri") if INDEX else False,
        message:
            "Export the adapter of study '{params.deployment[study]}'"
        script:
            "../scripts/export_adapter.py"

    # After the index, since an SQLite store has one writer at a time.
    rule register_adapter:
        input:
            adapter=ADAPTER,
            index=INDEX,
        output:
            receipt=f"{RESULTS}/{DEPLOYMENT.dataset}/adapter.json",
        log:
            f"{LOGS}/register_adapter.log",
        localrule: True
        conda:
            "../../envs/report.yaml"
        resources:
            **NEEDED,
        params:
            study=STUDY.name,
            tracking_uri=STUDY.config["mlflow"].get("tracking_uri"),
        message:
            "Register the adapter in MLflow as '{params.study}'"
        script:
            "../scripts/register_adapter.py"

# The workflow's table of contents. Each part is in workflow/rules/.
from pathlib import Path

from snakemake.utils import min_version

min_version("9.5")


# The defaults, from beside this file; a study in another folder may have its own there.
configfile: f"{workflow.basedir}/config/config.yaml"


if Path.cwd() != Path(workflow.basedir) and Path("config/config.yaml").is_file():

    configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/resources.smk"
# Data sets -> data/{data}/latents.parquet and the labelled subsets of each seed.
include: "workflow/rules/data.smk"
# Models trained on n examples, and references without training.
include: "workflow/rules/train.smk"
# From trained circuits to classical students.
include: "workflow/rules/transfer.smk"
# Adapters inside a frozen language model, and their students.
include: "workflow/rules/language.smk"
# What codes are good for, besides reconstruction.
include: "workflow/rules/downstream.smk"
# What a device would return in the place of exact probabilities.
include: "workflow/rules/measure.smk"
# One table of each kind; comparisons, crossovers, retained fractions.
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/cost.smk"
include: "workflow/rules/report.smk"
# The adapter: one trained model in the forms that people load.
include: "workflow/rules/deploy.smk"
# What the study was made from, and the digests of its files.
include: "workflow/rules/provenance.smk"


rule all:
    default_target: True
    input:
        TABLES.values(),
        FIGURES,
        VERDICT,
        INDEX,
        ADAPTER,
        REGISTERED,
        CRATE,
    log:
        f"{LOGS}/all.log",
    localrule: True
    message:
        f"Study '{STUDY.name}' is complete: results/{STUDY.name}/, reports/verdict.md"

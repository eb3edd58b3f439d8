"""Write what a study was made from and the digests of its files, as an RO-Crate."""

from pathlib import Path

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.provenance.crate import StudyFiles, write_crate

    given, params = snakemake.input, snakemake.params
    snakefile = Path(snakemake.scriptdir).resolve().parents[1] / "Snakefile"
    files = StudyFiles(list(given.sources), list(given.results), snakefile)
    settings = {**params.settings, "datasets": params.datasets}
    write_crate(params.study, settings, files, snakemake.output[0])

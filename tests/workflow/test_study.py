"""The smoke study end to end, as a newcomer runs it, and what happens when things go wrong."""

import contextlib
import json
import re
import signal
import sqlite3
import time

import psutil
import pytest
import yaml
from snakemake.utils import update_config

from helpers.checkout import ROOT, checkout, fail, jobs_of, run, start, succeed
from qdistill.provenance.verification import verify_study
from qdistill.storage.tables import read_frame
from qdistill.study.configuration import resolve_study
from qdistill.study.memory import BESIDE, rule_megabytes
from qdistill.study.tracks import expected_rows

SMOKE = ["--configfile", "config/studies/smoke.yaml"]

pytestmark = pytest.mark.workflow


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = checkout(tmp_path_factory.mktemp("smoke"))
    (folder / "output.txt").write_text(succeed(folder, *SMOKE))
    return folder


def smoke_study(folder):
    config = yaml.safe_load((folder / "config/config.yaml").read_text())
    update_config(config, yaml.safe_load((folder / "config/studies/smoke.yaml").read_text()))
    return resolve_study(config)


def test_a_newcomer_reads_what_to_expect_what_is_left_and_where_the_verdict_is(finished):
    lines = (finished / "output.txt").read_text().splitlines()
    others = [line for line in lines if " left; " not in line]
    assert lines[1].startswith("Study 'smoke': 56 jobs, about ") and len(others) < 10, lines
    assert lines[-1] == "Study 'smoke' is complete: results/smoke/, reports/verdict.md"


def test_every_row_of_the_grid_is_there(finished):
    metrics = read_frame("metrics", finished / "results/smoke/metrics.parquet")
    study = smoke_study(finished)
    key = ["dataset", "qubits", "protocol", "n", "seed", "model", "stage"]
    found = metrics[key].itertuples(index=False, name=None)
    assert sorted(found) == sorted(expected_rows(study.grids()))
    assert set(metrics["protocol"]) == {"article", "regularised"}
    page = (finished / "reports/verdict.md").read_text()
    assert page.startswith("# Verdict") and len(page.split()) <= 700


def test_every_job_takes_less_than_it_asks_a_cluster_for(finished):
    study, seen = smoke_study(finished), set()
    scripts = {path.stem for path in (ROOT / "workflow/scripts").glob("*.py")}
    for log in (finished / "logs").rglob("*.log"):
        place = log.relative_to(finished / "logs").with_suffix("").parts
        rule = next((part for part in place if part in scripts), "all")
        found = re.search(r"at most (\d+) MB of memory", log.read_text())
        if found is None or rule == "all":
            continue  # a target, which has no script
        given = {}
        if place[0] == "smoke" and place[1] in study.folders:
            given = {"dataset": place[1], "protocol": place[2], "model": place[-1]}
        assert int(found[1]) < BESIDE + rule_megabytes(study, rule, given), log
        seen.add(rule)
    assert len(seen) > 15


def test_the_codes_of_every_model_are_put_to_use(finished):
    table = read_frame("downstream", finished / "results/smoke/downstream.parquet")
    study = smoke_study(finished)
    keys = table[["dataset", "protocol"]].drop_duplicates()
    assert list(keys.itertuples(index=False, name=None)) == [("digits", "article")]
    track = study.downstream["digits", "article"]
    references = {"raw"} | ({"pca"} & set(track.references))
    assert set(table["model"]) == {*references, *track.trained_names()}
    assert set(table["n"]) == set(track.n) and set(table["seed"]) == {0, 1}
    assert table.groupby("model")["probe_accuracy"].mean()["raw"] > 0.5
    by_name = table.set_index(["model", "n", "seed"])["recall"]
    assert (by_name["compiled"] - by_name["quantum"]).abs().max() < 0.01
    figures = finished / "results/smoke/figures"
    assert len(list(figures.glob("*/*/downstream.svg"))) == 1
    use = (finished / "reports/verdict.md").read_text().split("## What are the codes good for?")[1]
    assert "- `digits` article: The best " in use


def test_every_file_is_that_of_the_provenance(finished):
    found = verify_study(finished / "results/smoke")
    assert found.differences == [] and found.elsewhere == 0
    ends = ("parquet", "svg", "png", "html", "safetensors")
    made = [f for end in ends for f in (finished / "results/smoke").glob(f"*.{end}")]
    assert found.compared > len(made) + 60  # figures, weights, the adapter
    text = (finished / "results/smoke/ro-crate-metadata.json").read_text()
    assert str(finished) not in text and '"name": "Workflow Run Crate"' in text


def test_a_second_run_has_nothing_to_do(finished):
    output = succeed(finished, *SMOKE, "--dry-run")
    assert "Nothing to be done" in output


def dry_run_with(finished, training):
    """Jobs of a dry run of the smoke study with other training settings."""
    changed = finished / "config/studies/changed.yaml"
    changed.write_text(yaml.safe_dump({"training": training}))
    output = succeed(finished, *SMOKE, changed, "--dry-run")
    return jobs_of(output)


def test_a_learning_rate_reruns_its_model_and_what_depends_on_it(finished):
    jobs = dry_run_with(finished, {"models": {"linear": {"learning_rate": 0.01}}})
    assert jobs["train_model"] == 2  # one for each data set
    kept = {"fit_student", "extract_unitary", "collect_soft_targets", "fit_references"}
    assert not {*kept, "tune_model", "draw_subsets", "generate_latents"} & set(jobs)
    jobs = dry_run_with(finished, {"models": {"quantum": {"learning_rate": 0.02}}})
    assert jobs["train_model"] == jobs["extract_unitary"] == 2  # the other track chooses its own
    assert jobs["sweep_pool"] == 2
    assert jobs["fit_student"] == 6  # three students of the circuit on two data sets
    jobs = dry_run_with(finished, {"models": {"distilled_pool": {"learning_rate": 0.01}}})
    assert jobs["fit_student"] == jobs["sweep_pool"] == 2
    assert not {"train_model", "extract_unitary"} & set(jobs)


def test_more_seeds_add_jobs_and_rerun_nothing(finished):
    _, output = run(finished, *SMOKE, "--dry-run", "--config", "seeds=4")
    trained = [line for line in output.splitlines() if re.search(r"Job \d+: Train", line)]
    assert len(trained) == 8 + 2  # in each track: models times data sets
    assert all("seeds 2-3" in line for line in trained)


CONTROLS = """
study: controls
datasets: [teacher-circuit, squares-null]
n: [5, 20]
seeds: 5
seeds_per_block: 5
models: [mean, pca_cv, linear, classical, square, quantum, linear_tuned]
students: [compiled]
projections: identity
pool_sweep: []
sweeps: [{ model: quantum, setting: layers, values: [1, 2], max_n: 20 }]
training: { epochs: 600, learning_rate: 0.03, layers: 2, angle_range: 1.0 }
tracks: null
trainability: null
downstream: null
cost: null
deploy: null
mlflow: { enabled: false }
"""


def test_the_instrument_finds_a_planted_advantage_and_no_other(tmp_path):
    """Targets of a circuit: distinct, though its baseline loses. Those of `square`: not."""
    folder = checkout(tmp_path)
    (folder / "config/studies/controls.yaml").write_text(CONTROLS)
    tables = [f"results/controls/{name}.parquet" for name in ("attribution", "transfer")]
    succeed(folder, "reports/verdict.md", *tables, "--configfile", "config/studies/controls.yaml")
    attribution, transfer = (
        read_frame(name, folder / path).set_index(["dataset", "n"])
        for name, path in zip(("attribution", "transfer"), tables, strict=True)
    )
    assert set(attribution.loc["teacher-circuit", "verdict"]) == {"distinct"}
    assert set(transfer.loc["teacher-circuit", "reason"]) == {"baseline_loses"}
    assert set(attribution.loc["squares-null", "verdict"]) == {"not distinct"}
    text = (folder / "reports/verdict.md").read_text()
    assert "**Nothing but controls" in text and "The instrument gives them." in text
    (found,) = re.findall(r"^\|`teacher-circuit` article \(control\)\|(.*)", text, re.M)
    (null,) = re.findall(r"^\|`squares-null` article \(control\)\|(.*)", text, re.M)
    assert re.search("`teacher-circuit` article: .*deepest form, .*1 layer worse", text)
    assert "**distinct**" in found and "**distinct**" not in null


def test_report(finished):
    """One file, no network, every figure with a caption that is true of the run."""
    report = finished / "reports/report.html"
    succeed(finished, *SMOKE, "--report", report)
    html = report.read_text()
    assert not re.search(r'<(script|link|img)[^>]+(src|href)="https?://', html)
    for category in (
        *("Verdict", "Crossover", "Attribution", "Transfer", "Overfitting", "Generalisation gap"),
        *(
            "bound",
            "Training curves",
            "Learned unitary",
            "Trainability",
            "Cost",
            "What codes are",
            "Sweeps of",
        ),
    ):
        assert category in html
    assert "2 seeds" in html and "#app .h-screen" in html and len(html) < 8e6


def test_costs_are_timed_and_told(finished):
    table = read_frame("cost", finished / "results/smoke/cost.parquet")
    assert set(table["qubits"]) == {2, 3} and set(table["threads"]) == {1}
    assert {"circuit_step", "model_step", "inference"} <= set(table["what"])
    text = (finished / "reports/verdict.md").read_text()
    assert "## What does it cost?" in text and "the article says 68 at 6." in text
    assert json.loads((finished / "results/smoke/step_memory.json").read_text())["qubits"] == 12


def test_costs_need_nothing_else_of_the_study_and_say_so_without_timing(finished, tmp_path):
    arguments = ("--forceall", "--dry-run", "--", "benchmark_engines")
    output = succeed(finished, *SMOKE, *arguments)
    assert jobs_of(output) == {"time_engines": 1, "plot_study_of_cost": 1, "benchmark_engines": 1}
    (tmp_path / "study.yaml").write_text("cost: null")
    output = succeed(ROOT, "--configfile", tmp_path / "study.yaml", *arguments[1:])
    assert jobs_of(output)["time_engines"] == 1


def count_rows(database):
    with sqlite3.connect(database) as connection:
        return {
            table: connection.execute(f"select count(*) from {table}").fetchone()[0]
            for table in ("experiments", "runs", "metrics", "params", "tags")
        }


def test_a_locked_store_stops_only_the_end_of_the_sync(finished):
    receipt = finished / "results/smoke/mlflow.json"
    before = count_rows(finished / "results/mlflow.db")
    assert json.loads(receipt.read_text())["created"] > 0
    with contextlib.closing(sqlite3.connect(finished / "results/mlflow.db")) as holder:
        holder.isolation_level = None
        holder.execute("BEGIN IMMEDIATE")
        (finished / "reports/verdict.md").unlink()
        output = fail(finished, *SMOKE, "--forcerun", "sync_runs")
    assert output.count("error in sync_study: the MLflow store") == 1 and "is locked by" in output
    assert "error in sync_runs" not in output
    assert (finished / "reports/verdict.md").exists() and not receipt.exists()
    output = succeed(finished, *SMOKE)
    told = json.loads(receipt.read_text())
    assert told["unchanged"] > 0 and told["created"] == 0
    assert count_rows(finished / "results/mlflow.db") == before


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ("seed: 3", "unknown key 'seed' (did you mean 'seeds'?)"),
        ("n: [5000]", "'n': found 5000, but the train split of 'digits' has 1000 rows"),
    ],
)
def test_bad_configuration_stops_before_the_dag(finished, changed, message):
    study = finished / "config/studies/bad.yaml"
    study.write_text(changed)
    output = fail(finished, *SMOKE, study, "--dry-run")
    assert f"error: configuration: {message}" in output and "Building DAG" not in output


def test_a_mistyped_study_is_one_sentence(finished):
    lines = fail(finished, "--configfile", "nope.yaml").splitlines()
    assert lines[1:] == ["error: No such file or directory: 'nope.yaml'"]


def test_a_truncated_table_is_named_and_left_alone(finished, tmp_path):
    folder = checkout(tmp_path)
    target = "data/digits/subsets/seeds~0-1.parquet"
    latents = folder / "data/digits/latents.parquet"
    latents.parent.mkdir(parents=True)
    whole = finished / latents.relative_to(folder)
    latents.write_bytes(whole.read_bytes()[:1000])
    output = fail(folder, *SMOKE, "--", target)
    told = "error in draw_subsets: data/digits/latents.parquet: not a readable Parquet file"
    assert output.count(told) == 1 and "Exception" not in output and len(output.splitlines()) < 8
    assert not (folder / target).exists()
    assert latents.stat().st_size == 1000


def command_of(process):
    """Its command line; nothing of one that has just ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:  # zombies too
        return ""


def test_a_killed_job_is_repaired_by_the_same_command(tmp_path):
    folder = checkout(tmp_path)
    target = folder / "results/smoke/digits/article/linear/seeds~0-1/metrics.parquet"
    log = "logs/smoke/digits/article/seeds~0-1/train_model/linear.log"
    endless = folder / "config/studies/endless.yaml"
    endless.write_text("training: { epochs: 100000 }")
    process = start(folder, *SMOKE, endless, "--", target.relative_to(folder))
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        scripts = [
            child
            for child in psutil.Process(process.pid).children(recursive=True)
            if "train_model.py" in command_of(child)
        ]
        if scripts and (folder / log).exists():
            break
        time.sleep(0.2)
    for script in scripts:
        script.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert scripts
    assert process.returncode != 0
    assert list(target.parent.glob("*")) == []
    succeed(folder, *SMOKE, "--", target.relative_to(folder))
    assert read_frame("metrics", target)["seed"].tolist() == [0, 1] * 2  # at both n

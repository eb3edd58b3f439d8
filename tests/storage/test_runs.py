"""The files of a job, by n and by model."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from qdistill.storage.runs import list_models, list_runs


def path_of(n, model, file):
    return f"results/x/digits/article/n~{n}/seeds~0-1/{model}/{file}"


def subset_of(n):
    return f"data/digits/subsets/n~{n}/seeds~0-1.parquet"


def job(models, sizes=(50, 100)):
    def files(file):
        return [path_of(n, model, file) for n in sizes for model in models]

    return SimpleNamespace(
        input=SimpleNamespace(
            subset=[subset_of(n) for n in sizes],
            weights=files("weights.safetensors"),
            metrics=files("metrics.parquet"),
        )
    )


def test_models_are_listed_under_their_n():
    found = list_models(job(("linear", "quantum")))
    assert [run.n for run, _ in found] == [50, 100]
    for run, models in found:
        assert run.subset == Path(subset_of(run.n))
        assert list(models) == ["linear", "quantum"]
        for name, files in models.items():
            assert files.n == run.n
            assert files.weights == Path(path_of(run.n, name, "weights.safetensors"))
            assert files.metrics == Path(path_of(run.n, name, "metrics.parquet"))


def test_without_models_the_subsets_are_left():
    assert [(run.n, models) for run, models in list_models(job(()))] == [(50, {}), (100, {})]


def test_runs_of_one_model_are_in_the_order_of_the_paths():
    paths = {"subset": [subset_of(n) for n in (50, 100)]}
    snakemake = SimpleNamespace(
        input=paths, output={"weights": [path_of(n, "a", "w") for n in (50, 100)]}
    )
    runs = list_runs(snakemake)
    assert [run.n for run in runs] == [50, 100]
    assert [run.weights for run in runs] == [Path(path_of(n, "a", "w")) for n in (50, 100)]


def test_a_path_without_n_is_refused():
    snakemake = SimpleNamespace(input={"subset": ["data/digits/seeds~0-1.parquet"]}, output={})
    with pytest.raises(ValueError, match="no folder n~"):
        list_runs(snakemake)

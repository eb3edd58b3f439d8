"""A language model's adapter in the registry, whatever the user has set in the environment."""

import mlflow.pyfunc
import pytest

from helpers.language import SLOT, random_state
from helpers.tracking import as_it_is
from qdistill.datasets.encoders import digest_of_folder
from qdistill.language.methods import adapted
from qdistill.language.mlflow_model import register_language_adapter
from qdistill.language.saved import SavedAdapter, save_adapter

pytestmark = pytest.mark.slow


def test_it_is_registered_once_with_what_was_measured(
    client, users_run, folder, tiny, tmp_path, monkeypatch
):
    target, given = tmp_path / "adapter", (tmp_path / "adapter", "small", tmp_path / "receipt.json")
    measured = {"heldout_loss": 2.5, "bits_per_character": 1.25}
    data = {"name": "niche", "digest": "0" * 32, "path": "data/niche/paragraphs.parquet"}
    origin = {"dataset": "niche", "n": 50, "seed": 3, "measured": measured, "data": data}
    with adapted(tiny[0], "quantum", SLOT, 0, 10) as method:
        state = random_state(method, 0.2)
    about = SavedAdapter("quantum", SLOT, str(folder), digest_of_folder(folder), origin)
    save_adapter(target, about, state, tiny[0])
    before = as_it_is(client, users_run)
    receipt = register_language_adapter(*given)
    assert register_language_adapter(*given) == receipt
    assert len(client.search_model_versions("name = 'small'")) == 1
    version = client.get_model_version_by_alias("small", "champion")
    run = client.get_run(version.run_id)
    (output,) = run.outputs.model_outputs
    logged = client.get_logged_model(output.model_id)
    assert as_it_is(client, users_run) == before
    assert {metric.key: metric.value for metric in logged.metrics} == measured == run.data.metrics
    assert logged.params == {"dataset": "niche", "n": "50", "seed": "3", "model": "quantum"}
    assert [each.dataset.name for each in run.inputs.dataset_inputs] == ["niche"]
    monkeypatch.undo()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", receipt["tracking_uri"])
    model = mlflow.pyfunc.load_model(receipt["model_uri"])
    assert len(model.predict(["amber [MASK] cedar"])) == 1

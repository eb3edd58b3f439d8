"""Everything inside a language model on a GPU, beside the same on the CPU; skipped without one."""

from contextlib import nullcontext

import numpy as np
import pandas as pd
import pytest
import torch

from helpers.language import KINDS, SLOT, load, logits_of, random_state, save_language_model
from helpers.text import sentence, write_folder
from qdistill.circuits.engine import current_engine, select_engine
from qdistill.datasets.encoders import digest_of_folder
from qdistill.datasets.subsets import draw_subsets
from qdistill.language.adaptation import LanguageProblem, adapt_model
from qdistill.language.base import train_base
from qdistill.language.fitting import Sample, train_steps
from qdistill.language.methods import Slot, adapted, restored
from qdistill.language.model import encode_texts, load_model, model_folder
from qdistill.language.saved import SavedAdapter, fill_masks, loaded, sample_text, save_adapter
from qdistill.language.students import distil_adapter
from qdistill.language.texts import collect_texts
from qdistill.storage.tables import read_frame
from qdistill.study.datasets import resolve_dataset
from qdistill.study.registry import ENTRIES, STUDENTS
from qdistill.training.regularised import Grid

METHODS = [n for n, e in ENTRIES.items() if e.in_language and e.family != "student"]
CHILDREN = [n for n, e in STUDENTS.items() if e.in_language]
SLOTS = {"last": SLOT, "middle with bias": Slot(3, "middle", True, 2, 1.0)}
GRID = Grid(4, 2, 12, 2, (0.01,), (0.1,))
TRAINING = {
    **{"batch_size": 4, "layers": 2, "angle_range": 1.0},
    "regularised": {
        **{"folds": 2, "steps": 8, "epochs": 1, "checks": 1},
        **{"learning_rates": [0.02], "weight_decays": [0.1]},
    },
}

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU")


@pytest.fixture(autouse=True)
def any_engine():
    yield
    select_engine("auto")


@pytest.fixture(params=["float32", "bfloat16"])
def tolerance(request, monkeypatch):
    """How near losses on the GPU are to the CPU's: to rounding, without autocast to float32's."""
    if request.param == "float32":
        monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())
    return 1e-4 if request.param == "float32" else 1e-2


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Models of every kind."""
    made = tmp_path_factory.mktemp("kinds")
    return {kind: save_language_model(made / kind, kind) for kind in KINDS}


def texts_for(tokenizer):
    return encode_texts(tokenizer, [sentence(seed, 4 + seed % 9) for seed in range(12)])


def course_of(folder, device, name, slot):
    """Losses as a method is trained, and where it ends."""
    model, tokenizer = load(folder, device)
    tokens = texts_for(tokenizer)
    sample = Sample.of(tokens, 2, "course")
    with adapted(model, name, slot, 3, 12) as method:
        start = method.state()
        steps = train_steps(method, tokens, GRID, (0.01, 0.1), 3, 12, "course")
        losses = [sample.bound(method.model) for _ in steps] if method.trained else []
        return [*losses, sample.bound(method.model)], start, method.state()


@pytest.mark.parametrize("slot", SLOTS)
@pytest.mark.parametrize("name", METHODS)
def test_methods_are_trained_as_on_the_cpu(name, slot, folders, tolerance):
    found, start, state = course_of(folders["bert"], "cuda", name, SLOTS[slot])
    assert current_engine() == "torch"
    expected, own_start, _ = course_of(folders["bert"], "cpu", name, SLOTS[slot])
    np.testing.assert_allclose(found, expected, rtol=tolerance)
    for key, tensor in start.items():
        torch.testing.assert_close(tensor, own_start[key])
        assert state[key].device.type == "cpu" and state[key].isfinite().all()


@pytest.mark.parametrize("kind", KINDS[1:])
@pytest.mark.parametrize("name", ["quantum", "lora_4", "full"])
def test_models_of_other_kinds_are_trained_too(name, kind, folders, tolerance):
    found, *_ = course_of(folders[kind], "cuda", name, SLOT)
    expected, *_ = course_of(folders[kind], "cpu", name, SLOT)
    np.testing.assert_allclose(found, expected, rtol=tolerance)


def run_study(folder, device, target):
    """Every loss of a frozen base, a circuit and all of its students, and who diverged."""
    niche = {"name": "mine", "kind": "language", "qubits": 3, "max_tokens": 10, "device": device}
    niche |= {"niche": str(write_folder(target / "texts")), "train": 20, "heldout": 8}
    settings, texts = resolve_dataset({**niche, "unlabelled": 8}), target / "paragraphs.parquet"
    collect_texts(settings, folder, 12, texts)
    draw_subsets(texts, [0, 1], target / "subsets.parquet", "paragraphs")
    files = (folder, texts, texts, target / "subsets.parquet")
    problem = LanguageProblem("mine", "regularised", [12], *files, settings)
    names = ("weights", "history", "choices", "metrics", "bounds")
    tables = {}
    for name in ("frozen_base", "quantum", *CHILDREN):
        out = {key: target / f"{name}-{key}" for key in names}
        if name in STUDENTS:
            del out["choices"]
            distil_adapter(name, problem, target / "quantum-weights", TRAINING, out)
        else:
            adapt_model(name, problem, TRAINING, out)
        tables[name] = read_frame("metrics", out["metrics"]).set_index("seed")
    return pd.concat(tables)


def test_a_study_measures_there_what_it_does_on_the_cpu(folders, tolerance, tmp_path):
    found, expected = (run_study(folders["bert"], d, tmp_path / d) for d in ("cuda", "cpu"))
    for loss in ("train_loss", "heldout_loss", "general_loss"):
        np.testing.assert_allclose(found[loss], expected[loss], rtol=tolerance)
    # The frozen base ends at the very loss that it starts from.
    assert not found["diverged"].any()


def test_a_base_is_trained_there_as_on_the_cpu(tmp_path):
    entry = {"name": "mine", "kind": "language", "niche": "kjv", "general": ["networkx"]}
    settings, texts = resolve_dataset(entry)["source"] | {"steps": 3}, tmp_path / "p.parquet"
    collect_texts(settings, model_folder("default"), 1, texts)
    bounds = {}
    for device in ("cuda", "cpu"):
        own = (settings | {"device": device}, texts, tmp_path / "kept", tmp_path / device)
        bounds[device] = train_base(*own)["bound"]
        assert load_model(tmp_path / device).device.type == "cpu"
    assert bounds["cuda"] == pytest.approx(bounds["cpu"], rel=1e-2)


@pytest.mark.parametrize("name", ["quantum", "frozen_circuit", "lora_4", "boft", "full"])
def test_what_is_saved_there_is_loaded_here_and_back(name, folders, tmp_path):
    folder = folders["bert"]
    model, tokenizer = load(folder, "cuda")
    with adapted(model, name, SLOT, 0, 10) as method:
        state = random_state(method, 0.2)
        expected = logits_of(method.model, tokenizer)
    about = SavedAdapter(name, SLOT, str(folder), digest_of_folder(folder), {})
    save_adapter(tmp_path / "adapter", about, state, model)
    cpu, _ = load(folder)
    with restored(cpu, name, SLOT, state) as method:
        np.testing.assert_allclose(logits_of(method.model, tokenizer), expected, atol=1e-4)
    select_engine("auto")  # as in a process that has yet to load a model
    with loaded(tmp_path / "adapter") as (again, _):
        assert again.device.type == "cuda"
        np.testing.assert_allclose(logits_of(again, tokenizer), expected, atol=1e-4)
        assert fill_masks(again, tokenizer, "amber [MASK] cedar").split()[0] == "amber"
        assert sample_text(again, tokenizer, 6, 2)

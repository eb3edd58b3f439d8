"""Labels as targets: which rows have a class, what is refused, and strata of the subsets."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qdistill.datasets.labelled import label_latents, shuffle_labels
from qdistill.datasets.latents import load_latents
from qdistill.datasets.subsets import draw_subsets, load_subsets
from qdistill.errors import DataError
from qdistill.storage.tables import read_frame, write_table

COUNTS = {"train": {"b": 30, "a": 60, "rare": 2}, "heldout": {"b": 10, "a": 20, "rare": 1}}


def settings_of(**changes):
    made = {"name": "told", "kind": "labels", "least_rows": 5, "rare": "drop", **changes}
    return {**made, "source": {"name": "made", "kind": "vectors"}}


def write_source(path, counts=None):
    """Rows of each split and label in an order of their own, and 15 unlabelled rows."""
    counts = counts or COUNTS
    parts = [(s, label) for s, own in counts.items() for label, n in own.items() for _ in range(n)]
    parts += [("unlabelled", "a")] * 15
    order = np.random.default_rng(3).permutation(len(parts))
    split, label = zip(*(parts[place] for place in order), strict=True)
    features = np.random.default_rng(4).normal(size=(len(parts), 3))
    rows = 2 * np.arange(len(parts)) + 1
    columns = {"row": rows, "split": split, "label": label, "features": features}
    write_table("latents", path, columns, {"name": "made"})
    return path


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    folder = tmp_path_factory.mktemp("labelled")
    source, path = write_source(folder / "source.parquet"), folder / "latents.parquet"
    label_latents(settings_of(), path, source)
    return source, path


def test_targets_are_ones_in_the_column_of_the_class_and_rare_classes_are_gone(told):
    source, made = (load_latents(path) for path in told)
    assert made.classes == ("a", "b") and made.task == "classify"
    assert load_latents(told[0]).task == "reconstruct"
    labelled = made.split != "unlabelled"
    np.testing.assert_array_equal(made.targets.sum(axis=1), labelled)
    assert made.targets[made.positions("train")].sum(axis=0).tolist() == [60, 30]
    assert made.targets[made.positions("heldout")].sum(axis=0).tolist() == [20, 10]
    assert len(made.positions("unlabelled")) == 15
    places = source.positions_of(made.rows)
    np.testing.assert_array_equal(made.features, source.features[places])
    assert made.texts is None


@pytest.mark.parametrize(
    ("counts", "changes", "told"),
    [
        (COUNTS, {"rare": "refuse"}, "class 'rare' has 2 rows in the split 'train'"),
        (
            {"train": {"a": 9, "b": 9}, "heldout": {"a": 9, "b": 9, "new": 9}},
            {"rare": "refuse"},
            "class 'new' has 0 rows in the split 'train'",
        ),
        (COUNTS, {"least_rows": 25}, "0 classes have 25 rows or more"),
        ({"train": {"a": 9}, "heldout": {"a": 9}}, {}, "1 classes have 5 rows or more"),
    ],
)
def test_what_cannot_be_told_apart_is_refused_by_name(tmp_path, counts, changes, told):
    source = write_source(tmp_path / "source.parquet", counts)
    with pytest.raises(DataError, match=told):
        label_latents(settings_of(**changes), tmp_path / "latents.parquet", source)
    assert not (tmp_path / "latents.parquet").exists()


def test_a_source_without_labels_is_refused(tmp_path):
    columns = {"row": [0, 1], "split": ["train", "heldout"], "features": np.ones((2, 3))}
    write_table("latents", tmp_path / "source.parquet", columns, {"name": "made"})
    with pytest.raises(DataError, match="no labels, so 'made' has no classes"):
        label_latents(settings_of(), tmp_path / "latents.parquet", tmp_path / "source.parquet")


@settings(max_examples=20, deadline=None)
@given(seeds=st.lists(st.integers(0, 400), min_size=1, max_size=4, unique=True))
def test_every_class_has_its_share_of_the_first_n_rows_for_any_n(told, tmp_path_factory, seeds):
    path = tmp_path_factory.mktemp("drawn") / "subsets.parquet"
    draw_subsets(told[1], seeds, path)
    made = load_latents(told[1])
    _, rows = load_subsets(path, 90)
    for own in rows:
        assert sorted(own) == sorted(made.rows[made.positions("train")])
        taken = made.targets[made.positions_of(own)].cumsum(axis=0)
        share = np.arange(1, 91)[:, None] * np.array([2 / 3, 1 / 3])
        assert np.abs(taken - share).max() < 2


def test_which_rows_of_a_class_come_first_differs_by_seed(told, tmp_path):
    draw_subsets(told[1], range(40), tmp_path / "subsets.parquet")
    _, rows = load_subsets(tmp_path / "subsets.parquet", 1)
    assert len(np.unique(rows)) > 20


def shuffle(source, folder, seed=0, **changes):
    path = folder / f"shuffled-{seed}.parquet"
    shuffle_labels(settings_of(scramble_seed=seed, **changes), path, source)
    return load_latents(path)


def test_shuffled_labels_are_as_frequent_in_every_split_as_before(told, tmp_path):
    before, after = load_latents(told[1]), shuffle(told[0], tmp_path)
    assert after.classes == before.classes and after.task == "classify"
    for name in ("features", "rows", "split"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))
    for split in ("train", "unlabelled", "heldout"):
        own = after.positions(split)
        np.testing.assert_array_equal(after.targets[own].sum(0), before.targets[own].sum(0))
    labels = read_frame("latents", tmp_path / "shuffled-0.parquet")["label"].to_numpy()
    labelled = after.split != "unlabelled"
    told_by_targets = np.array(after.classes)[after.targets.argmax(1)]
    assert (labels == np.where(labelled, told_by_targets, "")).all()


def test_shuffled_labels_are_fixed_by_their_seed_and_agree_with_the_true_by_chance(told, tmp_path):
    """Of rows a share of sum p² agrees, its variance that of matches of two random orders."""
    before, agreed = load_latents(told[1]), {"train": [], "heldout": []}
    for seed in range(60):
        after = shuffle(told[0], tmp_path, seed)
        for split, found in agreed.items():
            own = after.positions(split)
            found.append((after.targets[own] * before.targets[own]).sum(1).mean())
    again = shuffle(told[0], tmp_path, 5)
    assert np.array_equal(again.targets, shuffle(told[0], tmp_path, 5).targets)
    assert not np.array_equal(again.targets, after.targets)
    for found in agreed.values():
        spread = np.std(found, ddof=1) / np.sqrt(len(found))
        assert abs(np.mean(found) - 5 / 9) < 4 * spread < 0.05


def test_rare_classes_of_shuffled_labels_are_refused_too(told, tmp_path):
    with pytest.raises(DataError, match="class 'rare' has 2 rows in the split 'train'"):
        shuffle(told[0], tmp_path, rare="refuse")

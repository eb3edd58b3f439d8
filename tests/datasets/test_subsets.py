"""Subsets: nested in n, the same whatever the block, and of training rows only."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qdistill.datasets.subsets import draw_subsets, load_subsets, resolve_sizes
from qdistill.errors import DataError
from qdistill.storage.tables import write_table

ROWS = 90


def write_latents(path, order=None):
    """Rows 0..89 with scattered ids: two thirds train, the others in turn."""
    order = np.arange(ROWS) if order is None else order
    kinds = np.array(["train", "train", "unlabelled", "train", "heldout", "train"])
    columns = {"row": order * 3 + 1, "split": kinds[order % 6]}
    columns["features"] = np.tile(order[:, None], (1, 4)).astype(np.float32)
    write_table("latents", path, columns, {"name": "made"})
    return set((np.flatnonzero(kinds[np.arange(ROWS) % 6] == "train") * 3 + 1).tolist())


@pytest.fixture(scope="module")
def latents(tmp_path_factory):
    path = tmp_path_factory.mktemp("subsets") / "latents.parquet"
    return path, write_latents(path)


def test_all_rows_are_as_many_as_there_are_to_train_on(latents, tmp_path):
    path, train = latents
    draw_subsets(path, (3, 4), tmp_path / "subsets.parquet")
    resolved = {
        sizes: resolve_sizes(sizes, tmp_path / "subsets.parquet")
        for sizes in (("all",), (20, 5, "all"), (len(train), "all"), (7, 2))
    }
    every = len(train)
    assert list(resolved.values()) == [(every,), (5, 20, every), (every,), (2, 7)]
    _, rows = load_subsets(tmp_path / "subsets.parquet", every)
    assert all(set(own) == train for own in rows.tolist())


def draw(latents_path, folder, sizes, seeds):
    draw_subsets(latents_path, seeds, folder / "subsets.parquet")
    return {n: load_subsets(folder / "subsets.parquet", n) for n in sizes}


@settings(max_examples=15)
@given(
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=4, unique=True),
    seeds=st.lists(st.integers(0, 500), min_size=1, max_size=5, unique=True),
)
def test_subsets_are_nested_distinct_training_rows(latents, tmp_path_factory, sizes, seeds):
    path, train = latents
    drawn = draw(path, tmp_path_factory.mktemp("drawn"), sizes, seeds)
    _, largest = drawn[max(sizes)]
    for n, (found_seeds, rows) in drawn.items():
        assert found_seeds.tolist() == sorted(seeds)
        assert rows.shape == (len(seeds), n)
        np.testing.assert_array_equal(rows, largest[:, :n])
        for row in rows.tolist():
            assert len(set(row)) == n
            assert set(row) <= train


def test_blocks_do_not_matter(latents, tmp_path):
    seeds, whole = draw(latents[0], tmp_path, [20], range(10))[20]
    parts = [draw(latents[0], tmp_path, [20], block)[20] for block in (range(4), range(4, 10))]
    np.testing.assert_array_equal(seeds, np.concatenate([part[0] for part in parts]))
    np.testing.assert_array_equal(whole, np.concatenate([part[1] for part in parts]))


def test_seeds_differ_and_cover_the_training_rows(latents, tmp_path):
    path, train = latents
    _, rows = draw(path, tmp_path, [20], range(40))[20]
    assert len({tuple(row) for row in rows.tolist()}) == 40
    assert set(rows.ravel().tolist()) == train
    # Each of the 60 rows is expected 40 / 3 times; the bounds are beyond 4 standard errors.
    counts = np.unique(rows, return_counts=True)[1]
    assert counts.min() >= 2
    assert counts.max() <= 26


def test_all_training_rows_can_be_drawn_and_not_one_more(latents, tmp_path):
    path, train = latents
    _, rows = draw(path, tmp_path, [60], [0])[60]
    assert set(rows[0].tolist()) == train
    with pytest.raises(DataError, match=r"subsets\.parquet: n = 61 .* 60"):
        load_subsets(tmp_path / "subsets.parquet", 61)


def test_the_order_of_the_rows_in_the_file_does_not_matter(latents, tmp_path):
    shuffled = tmp_path / "shuffled.parquet"
    write_latents(shuffled, np.random.default_rng(0).permutation(ROWS))
    first = draw(latents[0], tmp_path, [10], [0, 1])[10]
    second = draw(shuffled, tmp_path, [10], [0, 1])[10]
    np.testing.assert_array_equal(first[1], second[1])


def test_an_incomplete_table_is_refused(tmp_path):
    columns = {"seed": [0, 0, 1], "position": [0, 1, 1], "row": [4, 5, 6]}
    write_table("subsets", tmp_path / "subsets.parquet", columns, {})
    with pytest.raises(DataError, match="positions"):
        load_subsets(tmp_path / "subsets.parquet", 2)


def test_splits_that_are_smaller_than_the_study_needs_are_told_first(latents, tmp_path):
    path, output = latents[0], tmp_path / "subsets.parquet"
    for needed, words in (
        ({"heldout": (16, "'downstream.neighbours' (14, and 2 more)")}, "needs 16 rows .* has 15"),
        ({"train": (61, "n = 61")}, "n = 61 needs 61 rows of the split 'train', and it has 60"),
    ):
        with pytest.raises(DataError, match=words):
            draw_subsets(path, [0], output, needed=needed)
        assert not output.exists()
    draw_subsets(path, [0], output, needed={"heldout": (15, ""), "train": (60, "")})


def write_classes(path, counts, settings=None):
    labels = np.repeat(list(counts), list(counts.values()))
    columns = {"row": np.arange(len(labels)), "split": np.full(len(labels), "train")}
    columns |= {"label": labels, "features": np.ones((len(labels), 2), dtype=np.float32)}
    about = {"classes": json.dumps(sorted(counts)), "settings": json.dumps(settings or {})}
    write_table("latents", path, columns, {}, about)
    return labels


def test_a_class_that_the_smallest_subset_lacks_is_refused_before_training(tmp_path):
    path = tmp_path / "latents.parquet"
    write_classes(path, {"a": 90, "b": 9, "once": 1})
    with pytest.raises(DataError, match=r"'once' has . of the first n = 50 rows of seed 0"):
        draw_subsets(path, [0], tmp_path / "subsets.parquet", smallest=50)
    write_classes(path, {str(place): 2 for place in range(1000)})
    with pytest.raises(DataError, match=r"of the 1000 classes, '.*' has . of the first n = 100"):
        draw_subsets(path, [0], tmp_path / "subsets.parquet", smallest=100)
    assert not (tmp_path / "subsets.parquet").exists()


@settings(deadline=None, max_examples=20)
@given(counts=st.lists(st.integers(6, 40), min_size=2, max_size=5), seed=st.integers(0, 50))
def test_even_subsets_hold_as_many_of_each_class(tmp_path_factory, counts, seed):
    folder = tmp_path_factory.mktemp("even")
    named = {f"c{place}": count for place, count in enumerate(counts)}
    labels = write_classes(folder / "latents.parquet", named, {"even": True})
    each = min(counts)
    needed = {"train": (each * len(counts), "n")}
    made = folder / "s.parquet"
    draw_subsets(folder / "latents.parquet", [seed], made, needed=needed, smallest=16)
    for take in (2, each):
        _, rows = load_subsets(made, take * len(counts))
        assert np.unique(labels[rows[0]], return_counts=True)[1].tolist() == [take] * len(counts)


def test_more_of_a_class_than_there_are_is_refused(tmp_path):
    write_classes(tmp_path / "latents.parquet", {"a": 30, "b": 5}, {"even": True})
    with pytest.raises(DataError, match="class 'b' has 5 rows to train on, and 'per_class' asks"):
        draw_subsets(
            tmp_path / "latents.parquet", [0], tmp_path / "s.parquet", needed={"train": (20, "n")}
        )

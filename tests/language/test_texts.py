"""Texts in windows, by document; the vocabulary cut with its model; what is refused."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from helpers.language import load, save_language_model
from helpers.text import sentence, write_folder
from qdistill.datasets.documents import Paragraph
from qdistill.errors import DataError
from qdistill.language.bound import fixed_masks, text_losses
from qdistill.language.model import encode_texts, load_model, load_tokenizer, model_folder
from qdistill.language.scripture import read_scripture
from qdistill.language.texts import collect_texts, cut_windows
from qdistill.language.vocabulary import cut_vocabulary
from qdistill.storage.tables import read_frame
from qdistill.study.datasets import resolve_dataset


def settings_of(path, **overrides):
    given = {"name": "mine", "kind": "language", "niche": str(path), "qubits": 2}
    return resolve_dataset({**given, "max_tokens": 10, "train": 20, "heldout": 8, **overrides})


def test_windows_are_whole_words_and_no_longer_than_asked(folder):
    tokenizer = load_tokenizer(folder)
    text = " ".join(sentence(seed) for seed in range(5))
    windows = cut_windows([Paragraph(text, "s", "d")], tokenizer, 10, fewest=1)
    assert " ".join(window.text for window in windows) == text
    lengths = encode_texts(tokenizer, [window.text for window in windows]).lengths
    assert max(lengths) <= 10 and min(lengths[:-1]) > 5
    long_word = cut_windows([Paragraph("aaaaaaaaaaaaaaaaaaaa b", "s", "d")], tokenizer, 4, fewest=1)
    assert [window.text for window in long_word] == ["b"]
    assert cut_windows([Paragraph("amber.", "s", "d")], tokenizer, 10) == []


def test_own_texts_are_split_by_document(folder, tmp_path):
    collect_texts(settings_of(write_folder(tmp_path / "own")), folder, 10, tmp_path / "p.parquet")
    frame = read_frame("paragraphs", tmp_path / "p.parquet")
    assert frame.groupby("document")["split"].nunique().max() == 1
    assert (frame["split"] == "train").sum() >= 10 and (frame["split"] == "heldout").any()


@pytest.mark.parametrize(
    ("files", "largest_n", "said"),
    [
        ({"a.txt": "  \n"}, 4, "its source has no text"),
        ({"a.txt": sentence(0), "b.txt": sentence(1)}, 4, "and 4 are needed"),
        ({"a.txt": sentence(0)}, 1, "are needed"),
    ],
)
def test_too_few_texts_are_told_in_a_sentence(files, largest_n, said, folder, tmp_path):
    (tmp_path / "own").mkdir()
    for name, text in files.items():
        (tmp_path / "own" / name).write_text(text)
    with pytest.raises(DataError, match=said):
        collect_texts(settings_of(tmp_path / "own"), folder, largest_n, tmp_path / "p.parquet")
    assert not (tmp_path / "p.parquet").exists()


def test_scripture_has_every_book_and_no_mark_up():
    found = read_scripture()
    assert len({each.document for each in found}) == 66
    assert found[0].text.startswith("In the beginning God created the heaven")
    assert not any("[" in each.text for each in found)


def test_a_cut_model_says_of_known_words_what_the_whole_one_says(tmp_path):
    whole = save_language_model(tmp_path / "whole")
    texts = ["Amber birch cedar amber.", "Birch amber cedar birch cedar."]
    cut = cut_vocabulary(whole, texts, 2, tmp_path / "cut")
    tokenizer, before = load_tokenizer(tmp_path / "cut"), load_tokenizer(whole)
    assert cut.config.vocab_size == len(tokenizer) < len(before)
    assert tokenizer.tokenize("amber oak") == ["amber", "o", "##a", "##k"]
    ids, old = [t(texts)["input_ids"] for t in (tokenizer, before)]
    for new_row, old_row in zip(ids, old, strict=True):
        assert tokenizer.convert_ids_to_tokens(new_row) == before.convert_ids_to_tokens(old_row)
    model, reloaded = load_model(whole), load_model(tmp_path / "cut")
    with torch.no_grad():
        first = model(input_ids=torch.tensor(old[:1])).logits[0]
        second = reloaded(input_ids=torch.tensor(ids[:1])).logits[0]
    kept = before.convert_tokens_to_ids(tokenizer.convert_ids_to_tokens(range(len(tokenizer))))
    torch.testing.assert_close(second, first[:, kept], atol=1e-5, rtol=1e-5)


def test_the_small_base_is_there_and_is_a_language_model():
    model, tokenizer = load(model_folder("default"))
    assert model.config.hidden_size == 128 and tokenizer.mask_token == "[MASK]"
    tokens = encode_texts(tokenizer, ["The capital of France is a city."])
    losses = text_losses(model, tokens, fixed_masks(tokens, 4, "x"))
    assert losses[0] < np.log(model.config.vocab_size)


def damaged(folder, tmp_path, **changes):
    copy = tmp_path / "damaged"
    copy.mkdir()
    for file in folder.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, **changes}))
    return copy


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"architectures": ["BertModel"]}, "no head for masked tokens"),
        ({"auto_map": {"AutoModel": "x.Y"}}, "code of its own"),
        ({"model_type": "llada-of-tomorrow"}, "cannot be loaded"),
        ({"vocab_size": 40}, "cannot be loaded|do not fit"),
    ],
)
def test_models_that_do_not_serve_are_refused_in_a_sentence(changes, said, folder, tmp_path):
    with pytest.raises(DataError, match=said):
        load_model(damaged(folder, tmp_path, **changes))


def test_a_folder_with_only_a_pickle_is_not_read(folder, tmp_path):
    copy = damaged(folder, tmp_path)
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(DataError, match="no weights as safetensors"):
        model_folder(str(copy))
    with pytest.raises(DataError, match="cannot be loaded"):
        load_model(copy)


def test_a_tokenizer_without_a_mask_is_refused(folder, tmp_path):
    copy = damaged(folder, tmp_path)
    config = json.loads((copy / "tokenizer_config.json").read_text())
    (copy / "tokenizer_config.json").write_text(json.dumps({**config, "mask_token": None}))
    (copy / "special_tokens_map.json").unlink(missing_ok=True)
    with pytest.raises(DataError, match="has no mask token"):
        load_tokenizer(copy)


def test_collected_rows_are_a_table_of_texts(folder, tmp_path):
    settings = settings_of(write_folder(tmp_path / "own"), train=5)
    collect_texts(settings, folder, 5, tmp_path / "p.parquet")
    frame = pd.DataFrame(read_frame("paragraphs", tmp_path / "p.parquet"))
    assert (frame["split"] == "train").sum() == 5

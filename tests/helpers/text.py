"""A tiny sentence encoder with random weights, and texts to encode."""

import numpy as np

from qdistill.study.datasets import resolve_dataset

WORDS = [
    *("amber", "birch", "cedar", "delta", "ember"),
    *("fjord", "grove", "heron", "inlet", "jetty"),
    *("knoll", "larch", "marsh", "north", "ocean"),
    *("plain", "quarry", "ridge", "shore", "tundra"),
    *("upland", "valley", "willow", "yarrow", "zephyr"),
]


def sentence(seed, words=12):
    """A made-up sentence, another one for each seed."""
    drawn = np.random.default_rng(seed).choice(WORDS, words)
    return " ".join(drawn).capitalize() + "."


def write_folder(folder, documents=12, paragraphs=3, start=0):
    """Text files of a few paragraphs each; all texts differ."""
    folder.mkdir(parents=True, exist_ok=True)
    for document in range(documents):
        seeds = range(start + document * paragraphs, start + (document + 1) * paragraphs)
        (folder / f"{document:02d}.txt").write_text("\n\n".join(map(sentence, seeds)) + "\n")
    return folder


def text_settings(path, **overrides):
    """Settings of a data set of kind `text`."""
    entry = {"name": "mine", "kind": "text", "path": str(path), "qubits": 2, **overrides}
    return resolve_dataset(entry)


def build_encoder(folder, width=8):
    """Save a sentence-transformers model of one small layer, as its library does."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    vocabulary = {word: place for place, word in enumerate(["[PAD]", "[UNK]", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    plain = folder.parent / f"{folder.name}-transformer"
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", model_max_length=64
    ).save_pretrained(plain)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        sizes = {"vocab_size": len(vocabulary), "hidden_size": width, "num_hidden_layers": 1}
        sizes |= {"intermediate_size": 2 * width, "max_position_embeddings": 64}
        BertModel(BertConfig(**sizes, num_attention_heads=2)).save_pretrained(plain)
    transformer = Transformer(str(plain))
    model = SentenceTransformer(modules=[transformer, Pooling(width)], device="cpu")
    model.save(str(folder), create_model_card=False)
    return folder

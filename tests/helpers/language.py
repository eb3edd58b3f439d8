"""Tiny masked language models with random weights, and texts for them."""

import torch

from helpers.text import WORDS, sentence
from qdistill.language.methods import Slot
from qdistill.language.model import encode_texts, load_model, load_tokenizer

KINDS = ("bert", "roberta", "modernbert")
SLOT = Slot(qubits=3, place="last", output_bias=False, layers=2, angle_range=1.0)
_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def save_tokenizer(folder, words=WORDS):
    """Save a WordPiece tokenizer of some words and of all letters."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    pieces = [*_SPECIAL, *letters, *(f"##{letter}" for letter in letters), ".", *words]
    vocabulary = {piece: place for place, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    special = dict(zip(("pad", "unk", "cls", "sep", "mask"), _SPECIAL, strict=True))
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, **{f"{k}_token": v for k, v in special.items()}
    ).save_pretrained(folder)
    return len(vocabulary)


def save_language_model(folder, kind="bert", words=WORDS, width=32):
    """Save a model of two layers, and its tokenizer, as transformers does."""
    import transformers

    size = save_tokenizer(folder, words)
    classes = {"bert": "Bert", "roberta": "Roberta", "modernbert": "ModernBert"}
    sizes = {"vocab_size": size, "hidden_size": width, "num_hidden_layers": 2}
    sizes |= {"intermediate_size": 2 * width, "num_attention_heads": 2, "pad_token_id": 0}
    sizes |= {"max_position_embeddings": 64}
    if kind == "modernbert":
        sizes |= {"decoder_bias": True, "bos_token_id": 2, "eos_token_id": 3, "cls_token_id": 2}
        sizes |= {"sep_token_id": 3}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = getattr(transformers, f"{classes[kind]}Config")(**sizes)
        model = getattr(transformers, f"{classes[kind]}ForMaskedLM")(config)
    # Of transformers' start all logits are nearly the same, which would hide differences.
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(4)
    model.save_pretrained(folder)
    return folder


def load(folder, device="cpu"):
    """The model and its tokenizer."""
    return load_model(folder, device), load_tokenizer(folder)


def some_tokens(tokenizer, count=6, words=8, start=0):
    """A few texts as tokens."""
    return encode_texts(tokenizer, [sentence(start + seed, words) for seed in range(count)])


def random_state(method, scale=0.3):
    """Move all that a method trains away from its start."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in method.trained.values():
            drawn = scale * torch.randn(parameter.shape, generator=generator)
            parameter.add_(drawn.to(parameter.device))
    return method.state()


def logits_of(model, tokenizer, text="Amber birch cedar delta."):
    """Logits of a text, in which nothing is masked."""
    ids = torch.tensor(tokenizer([text])["input_ids"], device=model.device)
    with torch.no_grad():
        return model(input_ids=ids).logits[0].cpu().numpy()

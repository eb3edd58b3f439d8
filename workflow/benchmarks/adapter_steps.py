"""Time a training step and serving of every way to adapt a language model, in turn, on one thread.

Steps are forward and backward of a batch of 8 texts of 40 words; serving is the bound of one.
Ratios are to the step of ``linear`` and to the serving of the frozen model.

    python workflow/benchmarks/adapter_steps.py data/base~*/model
"""

import argparse
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from importlib.metadata import version

import numpy as np
import torch

from qdistill.circuits.threads import prepare_torch
from qdistill.cost.timing import time_interleaved
from qdistill.language.bound import Tokens, draw_masks, text_losses
from qdistill.language.fitting import add_gradients
from qdistill.language.methods import Adapted, Slot, adapted
from qdistill.language.model import encode_texts, load_model, load_tokenizer
from qdistill.study.registry import ENTRIES

_SLOT = Slot(6, "last", False, 10, np.pi)
_BATCH, _WORDS, _ROUNDS = 8, 40, 15


def draw_texts(folder: str) -> Tokens:
    """Draw a batch of texts from the words of a base's vocabulary."""
    tokenizer, generator = load_tokenizer(folder), np.random.default_rng(0)
    words = [token for token in sorted(tokenizer.get_vocab()) if token.isalpha()]
    texts = [" ".join(generator.choice(words, _WORDS)) for _ in range(_BATCH)]
    return encode_texts(tokenizer, texts)


def time_methods(methods: Mapping[str, Adapted], tokens: Tokens) -> dict[tuple[str, str], float]:
    """Time what each method takes: milliseconds, by what and its name."""
    masks, one = draw_masks(tokens, np.random.default_rng(1)), tokens.take([0])
    own = [draw_masks(one, np.random.default_rng(2))]
    steps = {}
    for name, method in methods.items():
        steps["serving", name] = partial(text_losses, method.model, one, own)
        if method.trained:
            steps["step", name] = partial(add_gradients, method.model, tokens, masks)
    return time_interleaved(steps, _ROUNDS)


def main() -> None:
    """Print a table of all methods."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("base", help="folder of the base of a study")
    folder = parser.parse_args().base
    prepare_torch(1)
    names = [name for name, e in ENTRIES.items() if e.in_language and e.family != "student"]
    with ExitStack() as stack:
        methods = {
            name: stack.enter_context(adapted(load_model(folder), name, _SLOT, 0, 100))
            for name in names
        }
        found = time_methods(methods, draw_texts(folder))
    print(f"torch {torch.__version__}, peft {version('peft')}\n")
    print("| method | step / `linear`'s | serving / frozen | trained numbers |\n|---|--:|--:|--:|")
    for name, method in methods.items():
        step = found.get(("step", name))
        ratio = f"{step / found['step', 'linear']:.2f}" if step else ""
        serving = found["serving", name] / found["serving", "frozen_base"]
        print(f"| `{name}` | {ratio} | {serving:.2f} | {method.count_parameters():,} |")


if __name__ == "__main__":
    main()

"""A whole model from texts to codes, encoder and adapter, as sentence-transformers saves one."""

import json
from pathlib import Path
from typing import Any

from huggingface_hub import CardData, ModelCard
from sentence_transformers.base.modules.module import Module

from qdistill.adapter.sentence_transformer import AdapterModule, as_modules, build_pipeline
from qdistill.adapter.text_encoder import find_encoder
from qdistill.adapter.torch_module import Adapter
from qdistill.datasets.encoders import (
    MINILM_NAME,
    copy_encoder,
    encoder_name,
    load_encoder,
)
from qdistill.errors import DataError
from qdistill.storage.files import atomic_path, write_json, write_text
from qdistill.study.adapter_files import CARD_FILE
from qdistill.study.user_files import HUB_ID
from qdistill.verdict.templates import render

MODULES_FILE, SETTINGS_FILE = "modules.json", "config_sentence_transformers.json"
HOW_TO_LOAD = "## How to load it"  # the section of an adapter's card that a pipeline's replaces
_PACKAGE = "sentence_transformers.models"  # of its modules, by which every release finds them
# What every release of sentence-transformers reads in the configuration of its own modules.
_KNOWN_KEYS = ("in_features", "out_features", "bias", "activation_function", "dimension")


def save_pipeline(adapter: str | Path, folder: str | Path, encoder: str | None = None) -> bool:
    """Save encoder and adapter as one model of sentence-transformers; return if it needs no code.

    The encoder is that whose vectors the adapter was trained on, or another, given as a folder or
    the name of a model on the hub. The folder appears when it is complete; its card is the
    adapter's. What is returned says whether sentence-transformers alone can load the model.

    Raises
    ------
    DataError
        If the adapter or the encoder cannot be read or do not fit each other, if the encoder is not
        known, or is another now, or if the folder exists.
    """
    module, folder = Adapter.from_pretrained(adapter), Path(folder)
    if folder.exists():
        raise DataError(f"{folder}: exists already; give another name")
    source, name = find_encoder(module.config, encoder)
    built = build_pipeline(load_encoder(source), module)  # checks that they fit
    added = as_modules(module)
    alone = not any(isinstance(each, AdapterModule) for each in added)
    with atomic_path(folder) as partial:
        copy_encoder(source, partial)
        _add_modules(partial, len(built) - len(added), added)
        if module.config.metric:
            _update(partial / SETTINGS_FILE, {"similarity_fn_name": module.config.metric})
        card = _card(module, name, folder.as_posix(), alone)
        write_text(partial / CARD_FILE, card)
    return alone


def _add_modules(folder: Path, first: int, added: list[Module]) -> None:
    """Save modules behind those that a model has, under names that every release knows."""
    listed = json.loads((folder / MODULES_FILE).read_text(encoding="utf-8"))
    for place, module in enumerate(added, first):
        name = type(module).__name__
        own = folder / f"{place}_{name}"
        own.mkdir()
        module.save(str(own))
        kind = f"{type(module).__module__}.{name}"
        if not isinstance(module, AdapterModule):
            kind = f"{_PACKAGE}.{name}"
            config = module.get_config_dict()
            write_json(own / "config.json", {k: config[k] for k in _KNOWN_KEYS if k in config})
        listed.append({"idx": place, "name": str(place), "path": own.name, "type": kind})
    write_json(folder / MODULES_FILE, listed)


def _update(path: Path, changes: dict[str, Any]) -> None:
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    write_json(path, known | changes)


def _card(adapter: Adapter, encoder: str | None, folder: str, alone: bool) -> str:
    """Write the adapter's card with another header, and another way to load it."""
    own = ModelCard(adapter.card) if adapter.card else None
    about = own.data.to_dict() if own else {"pipeline_tag": "feature-extraction"}
    about["library_name"] = "sentence-transformers"
    about["tags"] = ["sentence-transformers", *about.get("tags", [])]
    if encoder is None:
        about["base_model"] = f"sentence-transformers/{MINILM_NAME}"
    elif not Path(encoder).is_dir() and (named := HUB_ID.fullmatch(encoder)):
        about["base_model"] = named[1]
    text = own.text.partition(f"\n{HOW_TO_LOAD}\n")[0].strip() if own else ""
    return render(
        "pipeline_card.md",
        header=CardData(**about).to_yaml(),
        text=text,
        encoder=encoder_name(encoder),
        config=adapter.config,
        folder=folder,
        alone=alone,
        heading=HOW_TO_LOAD,
    )

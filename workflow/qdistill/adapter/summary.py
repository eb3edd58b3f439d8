"""The essentials of an adapter, as the command line prints them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qdistill.adapter.calibration import bytes_by_precision
from qdistill.adapter.layout import KINDS, read_adapter
from qdistill.adapter.stored_table import stored_cells
from qdistill.errors import DataError
from qdistill.study.adapter_files import CARD_FILE, CONFIG_FILE
from qdistill.wording import without_header

_NORMALISATIONS = {
    "none": "none",
    "unit": "scaled to unit norm",
    "layer_norm": "scaled to zero mean and unit variance",
}


def summarise(folder: str | Path) -> str:
    """Describe an adapter in a few lines: its card's first sentence, if any, and its numbers.

    Where the study searched stored codes, the card's first table and what it says to use come
    between. Raises DataError if the adapter cannot be read.
    """
    adapter = read_adapter(folder)
    config, origin = adapter.config, adapter.config.origin
    size = sum(
        array.size for name, array in adapter.tensors.items() if not name.startswith("calibration.")
    )
    sizes = bytes_by_precision(config)
    rows = {
        "kind": config.kind,
        "encoder output": _NORMALISATIONS[KINDS[config.kind]],
        "features": f"{config.inputs:,}",
        "codes": f"{config.width:,}",
        "outputs": f"{config.outputs:,}",
        "parameters": f"{size:,}",
        "bytes a vector": ", ".join(f"{form} {count:,}" for form, count in sizes.items()),
    }
    keys = ("study", "dataset", "protocol", "n", "model", "stage", "seed")
    rows |= {key: str(origin[key]) for key in keys if key in origin}
    lost = "divergence" if "readout" in origin else "error"
    errors = {
        "heldout_loss": f"held-out {lost} of this seed",
        "heldout_loss_mean": f"its mean over {origin.get('seeds', 'the')} seeds",
    }
    for key, meaning in errors.items():
        if isinstance(origin.get(key), float):
            rows[meaning] = f"{origin[key]:.4g}"
    if "readout" in origin:
        rows["read-out"] = f"fitted after the codes, to {origin['readout']['rows']:,} rows"
    wide = max(map(len, rows))
    table = "\n".join(f"{name:<{wide}}  {value}" for name, value in rows.items())
    sentence = first_sentence(Path(folder) / CARD_FILE)
    return "\n\n".join(filter(None, [sentence, _stored(Path(folder), origin), table]))


def _stored(folder: Path, origin: Mapping[str, Any]) -> str:
    """Return table and sentence of what stored codes find, or nothing where none were searched."""
    if "stored" not in origin:
        return ""
    try:
        cells, use = stored_cells(origin["stored"]), str(origin["stored"]["use"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{folder / CONFIG_FILE}: 'origin.stored' is not a table of stored codes; export the "
            "adapter again"
        ) from error
    wide = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join([f"{first:<{wide[0]}}", *map(str.rjust, rest, wide[1:])]).rstrip()
        for first, *rest in cells
    ]
    return "\n".join([*lines, "", use])


def first_sentence(card: Path) -> str:
    """Return the first paragraph under the title of a model card; empty if there is none."""
    if not card.is_file():
        return ""
    body = without_header(card.read_text(encoding="utf-8"))
    paragraphs = [part.strip() for part in body.split("\n\n")]
    return next((part for part in paragraphs if part and not part.startswith("#")), "")

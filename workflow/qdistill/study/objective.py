"""What codes are trained for, where data sets are reconstructed: x itself, or its neighbours."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

KEYS = ("rows", "start", "nested")
_ABSENT: Any = Field(None)  # a key that may be left out, though null is not a value of it


def _ascending(widths: list[int]) -> list[int]:
    if any(first >= second for first, second in pairwise(widths)):
        raise ValueError(f"found {widths}, and widths ascend")
    return widths


class Objective(BaseModel):
    """Keys of ``training`` that say what codes are trained for, the same for all models."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    objective: Literal["reconstruct", "neighbours"] = _ABSENT
    """`reconstruct`, by default: x from its code. `neighbours`: codes that are as near to each
    other as full vectors are."""
    rows: Literal["labelled", "pool", "both"] = _ABSENT
    """Of `neighbours`: the n examples, by default, the unlabelled rows, or both."""
    start: Literal["random", "pca"] = _ABSENT
    """Of `neighbours`: the encoder's start, drawn by default, or the principal components, about
    the origin, of the rows that are trained on."""
    nested: Annotated[
        list[Annotated[int, Field(ge=2, le=4096)]],
        Field(min_length=1),
        AfterValidator(_ascending),
    ] = _ABSENT
    """Of `neighbours`: widths, below that of the bottleneck, whose codes count as the whole does:
    the first numbers of a code."""


def resolve_objective(training: Mapping[str, Any], metric: str) -> dict[str, Any]:
    """Return how codes are trained to keep neighbours; empty where they are not.

    Training is that of a track, the metric what its vectors are compared by. Returned are
    ``metric``, ``rows``, ``start`` and ``nested``.
    """
    if training.get("objective") != "neighbours":
        return {}
    return {
        "metric": metric,
        "rows": training.get("rows", "labelled"),
        "start": training.get("start", "random"),
        "nested": list(training.get("nested", ())),
    }

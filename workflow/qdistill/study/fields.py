"""Types of settings, each with its bounds and its meaning."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from qdistill.study.messages import shown


class Settings(BaseModel):
    """A mapping of the configuration: known keys alone, and no value turned into another type."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )


def _unique(values: list[Any]) -> list[Any]:
    for place, value in enumerate(values):
        if value in values[:place]:
            raise ValueError(f"found {shown(value)} twice, where each may stand once")
    return values


T = TypeVar("T")
# A key that may be left out, though null is not a value of it.
ABSENT: Any = Field(None)
NON_EMPTY = Field(min_length=1)
Distinct = Annotated[
    list[T], AfterValidator(_unique), Field(json_schema_extra={"uniqueItems": True})
]
Several = Annotated[Distinct[T], NON_EMPTY]

Name = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9][a-z0-9-]{0,59}$",
        description="A name: lower-case letters, digits and hyphens, at most 60.",
    ),
]
Protocol = Literal["article", "converged"]
Positive = Annotated[int, Field(ge=1)]
Natural = Annotated[int, Field(ge=0)]
UpToThousand = Annotated[int, Field(ge=1, le=1000)]
Labelled = Annotated[int, Field(ge=2, description="A number of labelled examples.")]
Qubits = Annotated[int, Field(ge=2, le=12, description="The bottleneck is 2**qubits wide.")]
Epochs = Annotated[int, Field(ge=1, le=100_000, description="Passes over the labelled examples.")]
BatchSize = Annotated[int, Field(ge=1, description="Examples in one step.")]
LearningRate = Annotated[float, Field(gt=0, le=1, description="Step size of Adam.")]
Layers = Annotated[int, Field(ge=1, le=1000, description="Layers of a circuit.")]
AngleRange = Annotated[
    float,
    Field(
        gt=0,
        le=math.pi,
        description="Angles of circuits are drawn within plus or minus this, in radians; at most "
        "pi.",
    ),
]
Folds = Annotated[
    int,
    Field(
        ge=2,
        le=100,
        description="K of the K-fold cross-validation inside the n labelled examples; at most n.",
    ),
]
MaxSteps = Annotated[int, Field(ge=1, le=1_000_000, description="Most steps of the optimiser.")]
Patience = Annotated[
    int,
    Field(
        ge=1,
        le=1000,
        description="Training stops when the cross-validated loss has not fallen for this many of "
        "the (at most 400) times it is measured.",
    ),
]

"""What all settings of a configuration are made of."""

from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from qdistill.study.messages import shown


class Settings(BaseModel):
    """A mapping of the configuration: known keys alone, and no value turned into another type."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
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
Positive = Annotated[int, Field(ge=1)]
UpToThousand = Annotated[int, Field(ge=1, le=1000)]
Named = Annotated[str, Field(description="A name.")]

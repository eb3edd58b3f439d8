"""Contracts of what is found by codes in fewer bytes."""

from __future__ import annotations

from pandera.pandas import Field

from qdistill.storage.contracts.base import RUN, STAGES, Run
from qdistill.storage.contracts.measured import SeededRun

# How codes are stored: as numbers, as bits, or as the nearest of few centroids.
CODE_FORMS = ("float32", "float16", "int8", "binary", "product")
# Of a code: better than all simpler ones of at most its bytes, neither shown, or worse.
FRONT = ("front", "not told apart", "behind", "alone", "undefined")


class Retrieval(SeededRun, unique=(*RUN, "seed", "method", "stage", "form", "rescored", "bytes")):
    """What is found by codes in fewer bytes; methods are models, students and untrained rivals."""

    method: str
    stage: str = Field(isin=STAGES)
    form: str = Field(isin=CODE_FORMS, description="what a number of the code becomes")
    rescored: bool = Field(
        description="whether the best are sorted again by queries that are not stored"
    )
    width: int = Field(ge=1, description="numbers of a code; of ``product`` parts")
    bytes: int = Field(ge=1, description="of a stored code")
    metric: str = Field(isin=("cosine", "euclidean"))
    neighbours: int = Field(ge=1)
    queries: int = Field(ge=3)
    recall: float = Field(ge=0, le=1, nullable=True)
    probe_accuracy: float = Field(ge=0, le=1, nullable=True)
    fit_seconds: float = Field(ge=0, description="of a student with its teacher")
    apply_microseconds: float = Field(ge=0, description="a vector, to its stored code")
    diverged: bool


class RetrievalFront(Run, unique=(*RUN, "method", "stage", "form", "rescored", "bytes")):
    """What is found by the codes of a method in a form, beside simpler ones in as few bytes."""

    method: str
    stage: str = Field(isin=STAGES)
    form: str = Field(isin=CODE_FORMS)
    rescored: bool
    width: int = Field(ge=1)
    bytes: int = Field(ge=1)
    budget: float = Field(ge=1, nullable=True, description="the smallest that holds it")
    seeds: int = Field(ge=1)
    diverged: int = Field(ge=0)
    recall: float = Field(ge=0, le=1, nullable=True)
    recall_low: float = Field(nullable=True)
    recall_high: float = Field(nullable=True)
    loss: float = Field(ge=0, le=1, nullable=True, description="recall of full vectors less it")
    probe_accuracy: float = Field(ge=0, le=1, nullable=True)
    fit_seconds: float = Field(ge=0)
    apply_microseconds: float = Field(ge=0)
    on_front: bool = Field(
        description="nothing of at most its bytes finds more, or as much in fewer"
    )
    against: str = Field(nullable=True, description="the best simpler method within its bytes")
    against_stage: str = Field(nullable=True, isin=STAGES)
    against_form: str = Field(nullable=True, description="its form, and whether it is rescored")
    against_bytes: float = Field(ge=1, nullable=True)
    difference: float = Field(nullable=True, description="of recall: its own less the other's")
    ci_low: float = Field(nullable=True)
    ci_high: float = Field(nullable=True)
    p_holm: float = Field(nullable=True, description="corrected over the family of tests")
    verdict: str = Field(isin=FRONT)

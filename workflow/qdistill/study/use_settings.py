"""Settings of what codes and predictions are good for."""

from typing import Annotated, Literal

from pydantic import Field

from qdistill.study.setting_base import Distinct, Named, Settings, Several, UpToThousand


class Downstream(Settings):
    """What codes are good for: neighbours found and labels told apart; null leaves it out."""

    neighbours: UpToThousand
    """k of recall@k: nearest neighbours of a held-out row among the others."""
    examples_per_class: UpToThousand
    """Labelled examples of a class in the nearest-centroid probe."""
    datasets: Literal["all"] | Distinct[Named]
    """`all` data sets that are reconstructed with trained projections, or a list of some."""


class Retrieval(Settings):
    """What a code costs a vector store, and what is found there; null leaves it out."""

    neighbours: UpToThousand
    """k of recall@k: nearest neighbours of a held-out row among the others."""
    bytes: Several[Annotated[int, Field(ge=1, le=65_536)]]
    """Budgets in bytes a vector: what is best within each is told, and rivals without training are
    fitted to fill it."""
    datasets: Literal["all"] | Distinct[Named]
    """`all` data sets that are reconstructed with trained projections, or a list of some."""


class Robustness(Settings):
    """What perturbed inputs cost models that tell classes apart; null leaves it out."""

    noise: Several[Annotated[float, Field(gt=0, le=100)]]
    """Standard deviations of Gaussian noise on held-out inputs, in units of the root mean square
    spread of the n rows' features."""
    rotations: Distinct[Annotated[float, Field(ge=-180, le=180)]]
    """Angles in degrees by which held-out images are turned, of data sets made from `digits`
    alone; [] turns none."""

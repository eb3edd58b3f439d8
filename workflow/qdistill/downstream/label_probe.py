"""A nearest-centroid probe: whether codes tell classes apart, given a few examples of each."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from qdistill.downstream.neighbours import place
from qdistill.randomness import generator_for

_RESOLUTION = 1e-9  # distances closer than this share of their mean are a tie


@dataclass(frozen=True)
class ProbeTask:
    """The classes that a probe tells apart, and its rows."""

    classes: tuple[str, ...]  # with enough rows to draw examples from, and one to be asked about
    train: Mapping[str, np.ndarray]  # int64 positions of each class's rows to draw examples from
    asked: np.ndarray  # int64 (A,): which of the held-out rows are of these classes
    truth: Tensor  # int64 (A,): the class of each, by its place in ``classes``

    @property
    def chance(self) -> float:
        """Share of the most frequent class: the accuracy of always naming it."""
        return float(torch.bincount(self.truth).max() / len(self.truth))

    def draw_examples(self, count: int, seed: int, n: int) -> np.ndarray:
        """Draw ``count`` examples of each class, without repetition, for (seed, n, "probe").

        They are int64 positions, of shape (classes, count).
        """
        generator = generator_for(seed, n, "probe")
        drawn = [generator.choice(self.train[name], count, replace=False) for name in self.classes]
        return np.stack(drawn)


def find_probe_task(
    labels: np.ndarray | None, train: np.ndarray, heldout: np.ndarray, examples: int
) -> ProbeTask | str:
    """Find the classes that labelled and held-out rows share, or why there is no task.

    Labels, if there are any, are of every row of the data set: str, (rows,). Examples are drawn
    from the rows at the positions ``train``, those at ``heldout`` are asked about. A class with
    fewer than ``examples`` rows to draw from is left out. The reason is a code of
    :data:`qdistill.wording.REASONS`.
    """
    if labels is None:
        return "no_labels"
    own = labels[heldout]
    found, counts = np.unique(labels[train], return_counts=True)
    classes = [str(name) for name in found[counts >= examples] if name in own]
    if len(classes) < 2:
        return "few_classes"
    asked = np.flatnonzero(np.isin(own, classes))
    return ProbeTask(
        classes=tuple(classes),
        train={name: train[labels[train] == name] for name in classes},
        asked=asked,
        truth=torch.from_numpy(np.searchsorted(classes, own[asked])),
    )


def probe_accuracy(examples: Tensor, asked: Tensor, truth: Tensor, metric: str) -> float:
    """Return the share of rows whose class has the nearest centroid; NaN if a code is not finite.

    Codes of the examples have shape (classes, examples of a class, width), of the rows asked about
    (A, width), and ``truth`` is the classes of those: int64, (A,). Where centroids tie, the right
    one counts by its share. By ``cosine`` a centroid is the mean of its examples, each scaled to
    unit norm, and the nearest is that of the smallest angle; by ``euclidean`` means and distances
    are plain.
    """
    if not (torch.isfinite(examples).all() and torch.isfinite(asked).all()):
        return float("nan")
    centroids = place(place(examples.double(), metric).mean(1), metric)
    rows = place(asked.double(), metric)
    # Not by products: codes that are all the same must be at the same distance.
    distances = torch.cdist(rows, centroids, compute_mode="donot_use_mm_for_euclid_dist")
    bound = distances.amin(1, keepdim=True) + _RESOLUTION * distances.mean()
    nearest = distances <= bound
    right = nearest.gather(1, truth[:, None]).squeeze(1).double()
    return float((right / nearest.sum(1)).mean())

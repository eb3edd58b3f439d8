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
    """Find the classes that labelled and held-out rows share.

    Parameters
    ----------
    labels : ndarray of str, shape (rows,), or None
        Of every row of the data set; None where there are none.
    train, heldout : ndarray of int
        Positions of the rows that examples are drawn from, and of those asked about.
    examples : int
        Examples of a class; a class with fewer rows in ``train`` is left out.

    Returns
    -------
    ProbeTask, or str
        Why there is no task, as a code of :data:`qdistill.wording.REASONS`.
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
    """Return the share of rows whose class has the nearest centroid.

    Parameters
    ----------
    examples : Tensor, shape (classes, examples of a class, width)
        Codes of the examples.
    asked : Tensor, shape (A, width)
        Codes of the rows asked about.
    truth : int64 Tensor, shape (A,)
        Their classes.
    metric : str
        ``cosine``: a centroid is the mean of its examples, each scaled to unit norm, and the
        nearest is that of the smallest angle; ``euclidean``: plain means and distances.

    Returns
    -------
    float
        Between 0 and 1; where centroids tie, the right one counts by its share. NaN if a
        code is not finite.
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

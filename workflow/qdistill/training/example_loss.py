"""The loss of a slot model on batches of labelled examples, and its gradients."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from qdistill.datasets.examples import Examples, take_rows
from qdistill.models.losses import loss_slopes, mean_losses
from qdistill.models.slot_model import SlotModel
from qdistill.training.optimiser import backpropagate


class ExampleLoss:
    """Mean loss of a batch, and the gradients that one step of training needs.

    It is that of :mod:`qdistill.models.losses`. With trained projections its unit is 1, as in the
    article. Targets behind fixed ones may be as small as probabilities, so the squared error is
    measured in units of their variance there, and Adam's epsilon stays negligible.

    Autograd differentiates the bottleneck. Encoder and decoder, which hold nearly all the
    weights, are differentiated by hand, straight into the optimiser's buffer. Fixed ones need
    no gradients, so the examples are encoded once. And since no code reaches what of a target
    lies outside the decoder's range, errors are taken within it: with the decoder W = Q R,
    ||W z + b - y||² is ||R z - Q^T (y - b)||² and a constant. Of a cross-entropy no such part can
    be left out, and its unit is always 1.

    Parameters
    ----------
    model : SlotModel
        For R replicas.
    examples : Examples
        Of S seeds; only labelled rows are used.
    seed_of : int64 Tensor, shape (R,), optional
        Place of each replica's seed among the S; by default each seed has one replica.
    choices : sequence of ndarray of int, optional
        The positions that each replica trains on; by default all n. Their targets alone
        give its unit, so that nothing is learned from an example that is left out.
    """

    def __init__(
        self,
        model: SlotModel,
        examples: Examples,
        seed_of: Tensor | None = None,
        choices: Sequence[np.ndarray] | None = None,
    ) -> None:
        self.model, self.examples = model, examples
        self._labelled = examples.labelled if seed_of is None else examples.labelled[seed_of]
        self._unit = torch.ones(len(self._labelled))
        self._classifies = examples.task == "classify"
        if model.projections and not self._classifies:
            everything = [np.arange(examples.n)] * len(self._labelled)
            pairs = zip(self._labelled, choices or everything, strict=True)
            chosen = [examples.targets[row[positions]] for row, positions in pairs]
            self._unit = torch.stack([_variance(targets) for targets in chosen])
        if model.projections:
            self._codes, self._read_out, self._reduced = self._prepare_fixed()

    def __call__(self, weights: Mapping[str, Tensor], positions: Tensor, progress: float) -> Tensor:
        """Compute each replica's loss on its batch, for autograd: (R, B) positions to (R,)."""
        chosen = self._labelled.gather(1, positions)
        predicted = self.model.predict(weights, take_rows(self.examples.inputs, chosen), progress)
        targets = take_rows(self.examples.targets, chosen)
        return mean_losses(self.examples.task, predicted, targets) / self._unit

    def add_gradients(
        self, weights: Mapping[str, Tensor], positions: Tensor, progress: float
    ) -> None:
        """Compute the gradients of each replica's loss into its weights' ``grad``, which are zero.

        Positions are those of the batch of each replica: int64, shape (R, B).
        """
        if self.model.projections:
            self._through_fixed_projections(weights, positions, progress)
        else:
            self._through_trained_projections(weights, positions, progress)

    @torch.no_grad()
    def _through_trained_projections(
        self, weights: Mapping[str, Tensor], positions: Tensor, progress: float
    ) -> None:
        model, examples, chosen = self.model, self.examples, self._labelled.gather(1, positions)
        inputs = targets = take_rows(examples.inputs, chosen)
        if examples.targets is not examples.inputs:
            targets = take_rows(examples.targets, chosen)
        h = model.encode(weights, inputs).requires_grad_()
        with torch.enable_grad():
            z = model.squeeze(weights, h, progress)
        codes = z.detach()
        error = loss_slopes(examples.task, model.decode(weights, codes), targets)
        _write_linear_gradients("decoder", weights, error, codes)
        backpropagate(z, torch.bmm(error, weights["decoder.weight"]))
        assert h.grad is not None
        _write_linear_gradients("encoder", weights, h.grad, inputs)

    def _through_fixed_projections(
        self, weights: Mapping[str, Tensor], positions: Tensor, progress: float
    ) -> None:
        z = self.model.squeeze(weights, take_rows(self._codes, positions), progress)
        wanted = take_rows(self._reduced, positions)
        with torch.no_grad():
            if self._classifies:
                outputs = self.model.decode(weights, z.detach())
                error = loss_slopes(self.examples.task, outputs, wanted)
            else:
                error = torch.baddbmm(wanted, z.detach(), self._read_out.transpose(1, 2), beta=-1)
                count = error.shape[1] * self.examples.targets.shape[1]  # B E, all that there are
                error.mul_((2 / count / self._unit).view(-1, 1, 1))
            gradient = torch.bmm(error, self._read_out)
        backpropagate(z, gradient)

    @torch.no_grad()
    def _prepare_fixed(self) -> tuple[Tensor, Tensor, Tensor]:
        """Codes h (R, n, N), read-out R (R, M, N) and targets within its range (R, n, M).

        Where classes are told, the read-out is the decoder and the targets are as they are.
        """
        fixed, inputs = self.model.projections, self.examples.inputs[self._labelled]
        codes = self.model.encode({}, inputs)
        targets, read_out = self.examples.targets[self._labelled], fixed["decoder.weight"]
        if self._classifies:
            return codes, read_out, targets
        targets = targets - fixed["decoder.bias"].unsqueeze(1)
        if read_out.shape[1] <= read_out.shape[2]:
            return codes, read_out, targets
        basis, triangle = torch.linalg.qr(read_out.double())
        return codes, triangle.float(), torch.bmm(targets.double(), basis).float()


def _write_linear_gradients(
    name: str, weights: Mapping[str, Tensor], of_outputs: Tensor, inputs: Tensor
) -> None:
    """Gradients of a linear layer's weight and bias from those of its outputs (R, B, out)."""
    of_weight, of_bias = weights[f"{name}.weight"].grad, weights[f"{name}.bias"].grad
    torch.bmm(of_outputs.transpose(1, 2), inputs, out=of_weight)
    torch.sum(of_outputs, 1, out=of_bias)


def _variance(targets: Tensor) -> Tensor:
    """Mean variance of a target over examples, or 1 where all are the same."""
    variance = (targets - targets.mean(0)).square().mean()
    return torch.where(variance > 0, variance, 1.0)

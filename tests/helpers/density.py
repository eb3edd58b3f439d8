"""Noisy circuits, read out."""

from qdistill.circuits.density import form_probabilities, noisy_forms


def noisy_probabilities(angles, amplitudes, rates, entangled=True, folds=0):
    """Probabilities of what is read, (S, B, N)."""
    return form_probabilities(noisy_forms(angles, rates, entangled, folds), amplitudes)

"""``separable``: the quantum model without its CNOTs, so without entanglement."""

from qdistill.models.bottlenecks.quantum import Quantum


class Separable(Quantum):
    """z = |U h/||h|| |**2 with rotations only: U is a Kronecker product of 2-by-2 matrices.

    It has as many angles as ``quantum`` and starts from the same draws, but no wire meets
    another: all layers of a wire together make one rotation of that wire.
    """

    is_entangled = False

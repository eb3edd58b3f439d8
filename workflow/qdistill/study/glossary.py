"""What each model, reference and student is, in a line."""

from __future__ import annotations

from collections.abc import Collection

from qdistill.wording import table_lines

MEANING: dict[str, str] = {
    "mean": "predicts the mean of the n training targets for every row",
    "pca": "principal components of the n rows, as many as the bottleneck is wide",
    "pca_cv": "the same, their number chosen by cross-validation inside the n rows",
    "oracle": "principal components of the true covariance, known for generated data alone",
    "linear": "the code unchanged: a linear autoencoder",
    "classical": "LayerNorm of the code: the article's baseline",
    "classical_dense": "a full matrix, then LayerNorm",
    "orthogonal": "the normalised code, turned by a full orthogonal matrix and squared",
    "square": "the normalised code, squared: the circuit model without its circuit",
    "frozen_circuit": "the circuit model with random angles that are never trained",
    "separable": "the circuit model without entangling gates",
    "real_circuit": "the circuit model without phases, so that its unitary is real",
    "quantum": "the article's circuit model: probabilities of a trained circuit on the normalised "
    "code",
    "quantum_scrambled": "the same behind a fixed random circuit that deepens during training "
    "(the article's curriculum)",
    "tuned": "the best of linear, low-rank, weight-decayed and early-stopped predictors, by "
    "cross-validation inside the n rows",
    "quantum_tuned": "the circuit model, its layers, learning rate and length of training chosen "
    "by cross-validation inside the n rows",
    "compiled": "the trained circuit as two real matrices: the same outputs, without a circuit",
    "unitary_re": "a linear layer that is, or starts as, Re(U) of the trained circuit",
    "unitary_im": "the same with Im(U)",
    "unitary_abs": "the same with |U|",
    "unitary_abs2": "the same with |U|²",
    "unitary_re_squared": "the layer of Re(U), its outputs squared",
    "unitary_im_squared": "the layer of Im(U), its outputs squared",
    "unitary_abs_squared": "the layer of |U|, its outputs squared",
    "unitary_abs2_squared": "the layer of |U|², its outputs squared",
    "random_dense": "the same linear layer from a random start",
    "random_orthogonal": "the same linear layer from a random orthogonal start",
    "distilled_train": "a linear layer fitted to the circuit's outputs on the n training rows",
    "distilled_pool": "a linear layer fitted to them on the training rows and the unlabelled pool",
    "distilled_softmax": "the same, with a softmax behind the layer",
    "distilled_squared": "the same, with the layer's outputs squared",
    "self_distilled": "a linear layer fitted to the outputs of the classical baseline's layer",
}


def glossary_section(names: Collection[str]) -> list[str]:
    """Lines of Markdown that say what each name of a study is.

    Parameters
    ----------
    names : collection of str
        Everything in the study.
    """
    rows = [[f"`{name}`", meaning] for name, meaning in MEANING.items() if name in names]
    rows += [[f"`{name}`", ""] for name in sorted(set(names) - set(MEANING))]
    return [
        "## The models",
        "",
        "Every model encodes a row linearly into a code, passes it through its bottleneck and "
        "decodes the result linearly; only the bottleneck differs. Students keep the encoder and "
        "the decoder of their teacher.",
        "",
        *table_lines(["name", "what it is"], rows),
    ]

"""What the real part of the unitary is worth."""

import pytest

from helpers.verdict import FEW, leveled, part_of, said
from qdistill.verdict.questions import real_part


@pytest.mark.parametrize(
    ("losses", "worth"),
    [
        ({}, "The learned start is nowhere shown to help."),
        ({"unitary_re_fine_tuned": 0.003}, "The learned start is shown to help at every n."),
        (
            {"unitary_re_fine_tuned": 0.006},
            "The learned start is nowhere shown to help, and is shown to hurt at every n.",
        ),
        (
            {"unitary_re_fine_tuned": 0.003, "random_orthogonal": 0.002},
            "The learned start is nowhere shown to help.",
        ),
    ],
)
def test_a_learned_start_must_beat_every_random_one(losses, worth):
    names = (*FEW, "unitary_re", "random_dense", "random_orthogonal")
    text = said(real_part, part_of(names, loss=leveled(quantum=0.001, **losses)))
    assert text.startswith(worth)
    assert "The retained fraction is " in text


def test_the_real_part_as_it_is():
    loss = leveled(unitary_re_zero_shot=0.02)
    text = said(real_part, part_of((*FEW, "unitary_re"), loss=loss))
    assert "Zero-shot, it is worse than `mean` and `classical` at every n (ratios " in text
    assert "learned start" not in text  # nothing to tell it by

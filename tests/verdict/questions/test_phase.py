"""Whether phases are needed."""

import pytest

from helpers.metrics import EVERY_NAME
from helpers.verdict import leveled, part_of, said
from qdistill.verdict.questions import phase


@pytest.mark.parametrize(("loss", "where"), [(0.006, "at every n"), (0.004, "at no n")])
def test_whether_phases_help_the_circuit(loss, where):
    names, chosen = ("quantum", "real_circuit"), leveled(real_circuit=loss)
    text = said(phase, part_of(names, loss=chosen, random_seed=1))
    assert text.startswith(f"Phases are shown to help the circuit {where}. `quantum` is ")


def test_other_parts_of_the_unitary_are_set_beside_the_real_one():
    starts = [name for name in EVERY_NAME if name.startswith("unitary_")]
    loss = leveled(unitary_im_fine_tuned=0.003, unitary_abs_squared=0.005)
    text = said(phase, part_of(("quantum", *starts), loss=loss))
    assert "Fine-tuned, against `unitary_re`: `unitary_im` better at every n (ratio 0.7" in text
    assert "Fine-tuned, against `unitary_re_squared`: `unitary_abs_squared` worse at" in text
    assert "Against the squared read-out of the same matrix: `unitary_im` and `unitary_abs`" in text

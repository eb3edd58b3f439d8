"""What docs/circuit.md shows: the drawing, and an ansatz of one's own that trains."""

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import torch

from qdistill.models.slot_model import SlotModel

PAGE = (Path(__file__).parents[2] / "docs" / "circuit.md").read_text(encoding="utf-8")
DRAWING, ANSATZ, ENTRY = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_its_drawing_is_what_pennylane_prints():
    (shown,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(DRAWING, {})
    assert printed.getvalue() == shown


def test_its_ansatz_is_a_bottleneck():
    found: dict = {}
    exec(ANSATZ, found)
    bottleneck = found["Brickwork"](2, layers=2)
    drawn = [bottleneck.draw_parameters(np.random.default_rng(seed)) for seed in range(3)]
    angles = torch.from_numpy(np.stack([each["angles"] for each in drawn])).requires_grad_()
    h = torch.from_numpy(np.random.default_rng(9).standard_normal((3, 5, 4)).astype(np.float32))
    codes = SlotModel(bottleneck).squeeze({"bottleneck.angles": angles}, h)
    # On two wires the only CZ is that of the first layer.
    expected = torch.stack([_by_matrices(*seed) for seed in zip(angles, h, strict=True)])
    torch.testing.assert_close(codes, expected.float())
    codes[..., 0].sum().backward()
    assert (angles.grad[:, :, :, 1] != 0).any(dim=(1, 2)).all()


def _by_matrices(angles, h):
    state = (h / h.norm(dim=1, keepdim=True)).to(torch.complex128)
    for layer, of_layer in enumerate(angles.detach().double()):
        matrices = [_rotation(*wire) for wire in of_layer]
        state = state @ torch.kron(*matrices).T
        if layer == 0:
            state = state * torch.tensor([1, 1, 1, -1])
    return state.abs() ** 2


def _rotation(about_z, about_y):
    half = about_y / 2
    turn = torch.stack([half.cos(), -half.sin(), half.sin(), half.cos()]).reshape(2, 2)
    phases = torch.exp(0.5j * about_z * torch.tensor([-1, 1]))
    return turn.to(torch.complex128) @ torch.diag(phases)


def test_its_line_is_an_entry_of_the_table():
    from qdistill.study import model_table

    found = eval(ENTRY, vars(model_table))
    known = model_table.MODEL_TABLE
    assert found.name not in {entry.name for entry in known}
    assert found.style not in {entry.style for entry in known}

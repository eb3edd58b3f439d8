import numpy as np
import pytest
import torch

from helpers.checkout import run_python
from qdistill.circuits import engine
from qdistill.circuits.angle_circuit import angle_expectations
from qdistill.circuits.circuit import build_unitary, circuit_probabilities
from qdistill.circuits.encoding import encode_amplitudes
from qdistill.errors import ConfigurationError


@pytest.fixture(autouse=True)
def restored():
    yield
    engine.select_engine("auto")


def test_auto_takes_numba_and_torch_without_it(monkeypatch):
    engine.select_engine("auto")
    assert engine.current_engine() == "numba"
    monkeypatch.setattr(engine, "_has_numba", lambda: False)
    engine._resolved.cache_clear()
    assert engine.current_engine() == "torch"
    with pytest.raises(ConfigurationError, match="'numba', which needs the package numba"):
        engine.select_engine("numba")
    engine._resolved.cache_clear()


def test_an_unknown_engine_is_refused_with_the_choices():
    with pytest.raises(ConfigurationError, match="'engine': found 'fast'; allowed: auto, numba"):
        engine.select_engine("fast")


def test_all_engines_train_alike_and_build_the_same_unitary():
    generator = np.random.default_rng(0)
    angles = torch.tensor(generator.uniform(-3, 3, (2, 4, 5, 2)), dtype=torch.float32)
    vectors = torch.tensor(generator.standard_normal((2, 6, 32)), dtype=torch.float32)
    found, unitaries = [], []
    for name in ("numba", "torch", "pennylane"):
        engine.select_engine(name)
        unitaries.append(build_unitary(angles.double(), entangled=False))
        leaves = [tensor.clone().requires_grad_() for tensor in (angles, vectors)]
        probabilities = circuit_probabilities(leaves[0], encode_amplitudes(leaves[1]))
        probabilities.square().sum().backward()
        found.append([probabilities.detach(), *(leaf.grad for leaf in leaves)])
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            torch.testing.assert_close(one, two, atol=2e-6, rtol=1e-4)
    for other in unitaries[1:]:
        torch.testing.assert_close(unitaries[0], other, atol=1e-12, rtol=0)


@pytest.mark.parametrize("examples", [5, 500])  # states of a batch, and the unitary
def test_the_torch_engine_makes_all_tensors_where_its_inputs_are(examples):
    """No GPU is needed to see that: nor does `meta` take tensors of the CPU."""
    engine.select_engine("torch")
    angles = torch.zeros(2, 20, 3, 2, device="meta", requires_grad=True)
    vectors = torch.zeros(2, examples, 8, device="meta", requires_grad=True)
    circuit_probabilities(angles, vectors).sum().backward()
    assert angles.grad.is_meta and vectors.grad.is_meta and build_unitary(angles).is_meta
    with torch.no_grad():
        assert circuit_probabilities(angles, vectors).is_meta
    blocks = torch.zeros(2, 3, 1, 3, 2, device="meta", requires_grad=True)
    angle_expectations(blocks, torch.zeros(2, examples, 3, device="meta")).sum().backward()
    assert blocks.grad.is_meta


@pytest.mark.slow
def test_the_kernel_works_where_no_cache_can_be_written(tmp_path):
    """Numba raises as it decorates a function whose cache has no folder."""
    code = (
        "import numba.core.caching as caching\n"
        "caching.CacheImpl._locator_classes = []\n"
        "import numpy as np\n"
        "from qdistill.circuits.kernel import push_states, read_probabilities\n"
        "angles = np.zeros((1, 1, 2, 2))\n"
        "amplitudes = np.eye(4)[None, :1]\n"
        "print(read_probabilities(push_states(angles, amplitudes)).ravel().tolist())\n"
    )
    assert run_python("-c", code).strip() == "[1.0, 0.0, 0.0, 0.0]"

import gc

import pytest

from helpers.planning import no_plans  # noqa: F401


@pytest.fixture(autouse=True, scope="module")
def quick_collections():
    """Spare statsmodels, which collects garbage at each call, the objects of other tests."""
    gc.freeze()
    yield
    gc.unfreeze()

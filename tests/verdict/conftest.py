import gc

import pytest


@pytest.fixture(autouse=True, scope="module")
def quick_collections():
    """Spare statsmodels, which collects garbage at each call, the objects of other tests."""
    gc.freeze()
    yield
    gc.unfreeze()

"""Settings under which every figure is drawn, and the small study that most show."""

import pytest

from helpers.figures import study_metrics
from qdistill.figures.harness import theme


@pytest.fixture(autouse=True)
def drawing_settings():
    """Draw each test under the settings of the saved figures."""
    with theme():
        yield


@pytest.fixture(scope="session")
def metrics():
    return study_metrics()

"""Plans of how many seeds would decide something, spared where tests do not look at them."""

import pytest

from qdistill.judgement import families, overfitting, transfer


@pytest.fixture(autouse=True, scope="module")
def no_plans():
    """Spare the search for numbers of seeds, which takes most of the time of judging."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (families, overfitting, transfer):
            patch.setattr(module, "seeds_needed", lambda *_: 1234.0)
        patch.setattr(transfer, "seeds_to_decide_fraction", lambda *_: 1234.0)
        yield

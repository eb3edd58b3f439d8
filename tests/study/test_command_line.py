"""What `--config` says of null, lists and mappings."""

import pytest

from helpers.configuration import alone, refusal
from qdistill.study.command_line import typed_values


@pytest.mark.parametrize("word", ["null", "None", "~", ""])
def test_null_is_null_however_it_is_written_and_at_any_depth(word):
    assert typed_values([f"cost={word}"]) == {"cost": None}
    if word:
        assert typed_values([f"mlflow={{enabled: true, tracking_uri: {word}}}"]) == {
            "mlflow": {"enabled": True, "tracking_uri": None}
        }
        assert typed_values([f"tracks={{late: [{word}]}}"]) == {"tracks": {"late": [None]}}


def test_numbers_inside_lists_and_mappings_are_numbers_and_the_rest_is_left_to_snakemake():
    given = ["n=[50, 100]", "training={'models': {'quantum': {'epochs': 3}}}", "study=a", "seeds=5"]
    assert typed_values(given) == {
        "n": [50, 100],
        "training": {"models": {"quantum": {"epochs": 3}}},
    }
    assert typed_values(["cost=a: b: c", "deploy=[", "x=a=null"]) == {}


def test_the_word_null_in_quotes_is_refused_with_what_to_write():
    assert "must be a mapping or null without quotes" in refusal(alone(cost="null"))
    assert "quotes" not in refusal(alone(cost="nul"))
    assert "'seeds': found null, and must be" in refusal(alone(seeds=None))

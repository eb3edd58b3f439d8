"""Settings, given and chosen, as parameters."""

import pytest

from helpers.tracking import make_choices
from qdistill.errors import DataError
from qdistill.storage.tables import write_table
from qdistill.tracking.parameters import Choice, flatten_settings, read_choices, summarise_choices


def test_settings_are_flattened_for_the_parameters():
    nested = {"a": {"b": [1, 2], "c": {}}, "d": "text", "e": None}
    assert flatten_settings(nested) == {"a.b": "[1, 2]", "a.c": "{}", "d": "text", "e": "null"}


def test_choices_are_read_by_condition_and_seed(tmp_path):
    write_table("choices", tmp_path / "choices.parquet", make_choices(), {})
    found = read_choices(tmp_path / "choices.parquet")
    assert found == {
        ("synthetic-4q", 4, "article", 100, "linear_tuned"): {
            0: Choice({"choice.kind": "low_rank", "choice.rank": "4", "candidates": "30"}, 0.02),
            1: Choice({"choice.kind": "low_rank", "choice.rank": "8", "candidates": "30"}, 0.03),
        }
    }


@pytest.mark.parametrize("choice", ["rank 4", "[4]"])
def test_a_choice_that_is_no_object_is_refused(tmp_path, choice):
    write_table("choices", tmp_path / "choices.parquet", make_choices().assign(choice=choice), {})
    with pytest.raises(DataError, match=r"choices\.parquet: .* of 'linear_tuned' for seed 0 is"):
        read_choices(tmp_path / "choices.parquet")


def test_a_summary_tells_how_many_seeds_chose_what():
    full, low = Choice({"kind": "full"}, 0.1), Choice({"kind": "low_rank", "rank": "4"}, 0.1)
    wanted = {"kind": "full (2 of 3), low_rank (1 of 3)", "rank": "4 (1 of 3)"}
    assert summarise_choices([full, low, full]) == wanted
    assert summarise_choices([full]) == {"kind": "full"}
    assert summarise_choices([]) == {}

"""What all questions have in common."""

from helpers.verdict import part_of
from qdistill.verdict.questions import QUESTIONS


def test_nothing_is_answered_where_a_study_lacks_the_models():
    empty = part_of(("mean",))
    assert len(QUESTIONS) == 7 and empty.transfer.empty
    for question in QUESTIONS:
        assert question.answer(empty) == []
        assert "`" not in question.introduce(empty.names)

"""A question has a name, a folder and a first line of its own."""

import pytest
import yaml

from qdistill.asking.question import Question
from qdistill.errors import DataError


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("My Texts (2).csv", "my-texts-2"),
        ("digits.npy", "own-digits"),  # built in
        ("docstrings", "own-docstrings"),  # whose labels are
        ("é.npy", "own-"),
    ],
)
def test_the_study_is_named_after_the_file(file, name, tmp_path):
    question = Question(tmp_path / file)
    assert question.name == name or (name == "own-" and question.name.startswith("own-"))
    assert question.folder == tmp_path / f"{question.path.stem}-compared"


def test_the_same_question_goes_on_and_another_is_refused(tmp_path):
    first = Question(tmp_path / "texts", bytes=32, out=tmp_path / "out")
    assert not first.is_planned()
    first.write_study({"study": first.name, "seeds": 2})
    assert yaml.safe_load(first.study_file.read_text()) == {"study": "texts", "seeds": 2}
    assert Question(tmp_path / "texts", bytes=32, out=tmp_path / "out").is_planned()
    changed = [{"bytes": 64}, {"minutes": 3.0}, {"labels": "a"}, {"column": "b"}]
    others = [Question(**{**vars(first), **each}) for each in changed]
    others.append(Question(tmp_path / "other", bytes=32, out=tmp_path / "out"))
    for other in others:
        with pytest.raises(DataError, match=r"another question, `qdistill compare .*--bytes 32"):
            other.is_planned()


def test_a_file_that_is_changed_by_hand_stays(tmp_path):
    question = Question(tmp_path / "texts")
    question.write_study({"seeds": 2})
    text = question.study_file.read_text().replace("seeds: 2", "seeds: 7")
    question.study_file.write_text(text)
    assert question.is_planned() and "seeds: 7" in question.study_file.read_text()

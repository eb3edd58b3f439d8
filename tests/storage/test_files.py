"""Atomic files, digests and versions."""

import pytest

from qdistill.storage.files import (
    atomic_path,
    code_version,
    digest_of,
    version_of,
    write_json,
    write_text,
)


def test_a_failed_rewrite_leaves_the_old_file(tmp_path):
    target = tmp_path / "note.txt"
    write_text(target, "old")
    with pytest.raises(RuntimeError), atomic_path(target) as partial:
        assert partial.suffix == ".txt"
        partial.write_text("new, but only half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_digests_depend_on_content_and_not_on_order_and_json_is_written_sorted(tmp_path):
    assert digest_of({"a": 1, "b": [2, 3]}) == digest_of({"b": [2, 3], "a": 1})
    assert digest_of({"a": 1}) != digest_of({"a": 2})
    write_json(tmp_path / "x.json", {"b": 1, "a": 2})
    assert (tmp_path / "x.json").read_text() == '{\n  "a": 2,\n  "b": 1\n}\n'


def test_versions_name_the_source_and_what_is_not_installed():
    assert "+source." in code_version()
    assert version_of("no-such-package") == "not installed"

"""The notebook runs as it is committed, which is without outputs."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

PATH = Path(__file__).parents[2] / "docs/compare.ipynb"


def outputs_of(notebook):
    """What each cell of code printed or showed, as text."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [
        "".join(each.get("text") or each["data"]["text/plain"] for each in cell.outputs)
        for cell in cells
    ]


def test_it_is_committed_without_outputs():
    notebook = nbformat.read(PATH, as_version=4)
    nbformat.validate(notebook)
    assert set(outputs_of(notebook)) == {""}
    assert all(cell.get("execution_count") is None for cell in notebook.cells)


@pytest.mark.workflow
def test_it_runs(tmp_path):
    notebook = nbformat.read(PATH, as_version=4)
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=900, kernel_name="python3", resources=resources).execute()
    _, progress, table, sentence, applied = outputs_of(notebook)
    assert "jobs done in" in progress and "codes of 16 numbers" in progress
    assert "pca" in table and "quantum" in table
    assert sentence.startswith("The adapter is `") and ". Use " in sentence
    assert applied.startswith("(400, 64) became (400, 16); mean squared error 0.0")
    assert list(tmp_path.iterdir()) == []

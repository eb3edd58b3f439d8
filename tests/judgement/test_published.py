import numpy as np
import pytest
from scipy import stats

from helpers.metrics import diverge, make_metrics
from qdistill.errors import DataError
from qdistill.judgement.published import read_published, tabulate_published

# n: classical and quantum at 4 qubits, classical and quantum at 6, as the article prints them
ARTICLE = {
    100: ("0.08925", "0.02910", "0.01023", "0.00369"),
    500: ("0.01790", "0.01646", "0.00253", "0.00274"),
    1000: ("0.01301", "0.01329", "0.00219", "0.00237"),
    5000: ("0.01006", "0.01034", "0.00204", "0.00213"),
    10_000: (None, None, "0.00202", "0.00210"),
}


def test_the_resource_holds_all_18_synthetic_cells_and_2_of_text():
    table = read_published()
    figures = table.set_index(["dataset", "model", "n"])["heldout_loss"]
    assert len(table) == 20 and figures["distilbert-text", "quantum", 100] == 0.00042
    table = table[table["dataset"].str.startswith("synthetic")]
    found = table.set_index(["qubits", "model", "n"])["heldout_loss"].to_dict()
    columns = [(4, "classical"), (4, "quantum"), (6, "classical"), (6, "quantum")]
    expected = {
        (*column, n): float(figure)
        for n, figures in ARTICLE.items()
        for column, figure in zip(columns, figures, strict=True)
        if figure is not None
    }
    assert len(expected) == 18 and found == expected
    assert (table["dataset"] == "synthetic-" + table["qubits"].astype(str) + "q").all()


def test_only_what_the_study_holds_is_set_side_by_side():
    metrics = make_metrics(("synthetic-4q", "synthetic-6q", "docstrings"), (50, 100, 500))
    table = tabulate_published(metrics)
    assert set(table["dataset"]) == {"synthetic-4q", "synthetic-6q"}
    assert set(table["n"]) == {100, 500} and len(table) == 8
    assert tabulate_published(make_metrics(("docstrings",), (100,))).empty
    assert set(tabulate_published(metrics[metrics["model"] != "classical"])["model"]) == {"quantum"}


def test_a_row_agrees_with_scipy():
    metrics = make_metrics(("synthetic-6q",), (100,))
    row = tabulate_published(metrics).set_index("model").loc["quantum"]
    ours = metrics.loc[metrics["model"] == "quantum", "heldout_loss"]
    limits = stats.t.interval(0.95, 9, ours.mean(), stats.sem(ours))
    assert (row["mean"], row["ci_low"], row["ci_high"]) == pytest.approx((ours.mean(), *limits))
    assert row["deviation"] == pytest.approx(ours.mean() / 0.00369 - 1)


@pytest.mark.parametrize(("factor", "within"), [(1.04, True), (0.96, True), (1.06, False)])
def test_within_five_per_cent(factor, within):
    exact = {"loss": lambda model, stage, n: 0.00369 * factor, "noise": 1e-6}
    row = tabulate_published(make_metrics(("synthetic-6q",), (100,), **exact))
    assert row.set_index("model").loc["quantum", "within_twentieth"] == within


def test_a_diverged_run_is_not_within():
    metrics = diverge(make_metrics(("synthetic-6q",), (100,)), "quantum", 100, 0)
    row = tabulate_published(metrics).set_index("model").loc["quantum"]
    assert (row["seeds"], row["diverged"], row["within_twentieth"]) == (10, 1, False)
    assert np.isnan(row["mean"])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dataset,qubits,model,n\nsynthetic-4q,4,quantum,100\n",
        "dataset,qubits,model,n,heldout_loss\nsynthetic-4q,4,quantum,100,-1\n",
        "dataset,qubits,model,n,heldout_loss\nsynthetic-4q,four,quantum,100,0.1\n",
        "dataset,qubits,model,n,heldout_loss\na,4,quantum,100,0.1\na,4,quantum,100,0.2\n",
    ],
)
def test_a_damaged_resource_is_refused_by_name(tmp_path, text):
    path = tmp_path / "published.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=r"published\.csv"):
        read_published(path)
    with pytest.raises(DataError, match=r"absent\.csv"):
        read_published(tmp_path / "absent.csv")

"""Figures: what is drawn is what the tables hold, and nothing is passed over in silence."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from scipy import integrate, stats

from helpers_metrics import diverge, make_metrics
from qdistill.crossover import locate_crossovers
from qdistill.errors import ConfigurationError, DataError
from qdistill.figures import style as style_module
from qdistill.figures.axes import log_ticks, plain_number
from qdistill.figures.crossover import draw_crossover, plot_crossover, read_optimum
from qdistill.figures.curves import draw_curves, plot_curves, read_histories
from qdistill.figures.gap import draw_gap, plot_gap, summarise_gap
from qdistill.figures.save import figure_settings, save_figure
from qdistill.figures.style import STYLES, in_groups, style_of
from qdistill.figures.summaries import describe_failures, select_dataset, summarise_seeds
from qdistill.figures.transfer import AXIS_LIMITS, draw_transfer, plot_transfer, row_labels
from qdistill.figures.unitary import (
    TINY_SHARE,
    draw_unitary,
    haar_density,
    matrix_of_seed,
    plot_unitary,
)
from qdistill.published import PUBLISHED_PATH, read_published
from qdistill.registry import BOTTLENECKS, REFERENCES, STUDENTS, BottleneckEntry, StudentEntry
from qdistill.statistics import paired_interval
from qdistill.tables import CONTRACTS, write_table
from qdistill.transfer_judgement import judge_transfer

SIZES = (50, 100, 200, 500)
EVERY_NAME = [*BOTTLENECKS, *REFERENCES, *STUDENTS]
NO_CROSSOVER = pd.DataFrame(columns=list(CONTRACTS["crossover"].scalars))
NOTHING_PUBLISHED = pd.DataFrame(columns=["model", "n", "heldout_mse"])


@pytest.fixture(autouse=True)
def settings():
    with figure_settings():
        yield


@pytest.fixture(scope="module")
def metrics():
    return make_metrics(("synthetic-6q",), SIZES, seeds=4)


def empty_axes():
    return Figure(figsize=(8, 5)).add_subplot()


def texts_of(figure):
    """Every word of a figure, notes and legends included."""
    return "\n".join(
        artist.get_text() for artist in figure.findobj(lambda artist: hasattr(artist, "get_text"))
    )


def line_in(ax, colour, marker="None"):
    return [line for line in ax.lines if line.get_color() == colour and line.get_marker() == marker]


# --- style


def test_every_name_of_the_registry_has_its_own_look():
    looks = [(style_of(n).colour, style_of(n).marker, style_of(n).line) for n in EVERY_NAME]
    assert len(set(looks)) == len(EVERY_NAME)
    assert len({style_of(name).colour for name in EVERY_NAME}) == len(EVERY_NAME)


def test_models_that_share_an_axis_differ_in_their_markers():
    markers = [style_of(name).marker for name in BOTTLENECKS]
    assert all(markers)
    assert len(set(markers)) == len(markers)
    assert not any(style_of(name).marker for name in REFERENCES)


def test_a_new_name_gets_a_style_and_leaves_the_others_alone(monkeypatch):
    before = {name: style_of(name) for name in EVERY_NAME}
    monkeypatch.setitem(BOTTLENECKS, "newcomers_own", BottleneckEntry("own:Own", "control"))
    monkeypatch.setitem(STUDENTS, "another_student", StudentEntry("distil", ("distilled",)))
    first, second = style_of("newcomers_own"), style_of("another_student")
    assert first.colour != second.colour
    assert {first.colour, second.colour}.isdisjoint(s.colour for s in STYLES.values())
    assert first.marker not in {style.marker for style in STYLES.values()}
    assert {name: style_of(name) for name in EVERY_NAME} == before
    assert in_groups(["newcomers_own", "square"])["control"] == ["square", "newcomers_own"]


def test_an_unknown_name_has_no_style():
    with pytest.raises(KeyError, match="nonsense"):
        style_of("nonsense")


def test_this_module_of_styles_loads_no_drawing_library():
    assert not any(
        getattr(value, "__name__", "").startswith("matplotlib")
        for value in vars(style_module).values()
    )


# --- summaries


@given(
    st.lists(
        st.lists(st.floats(1e-6, 1e3), min_size=3, max_size=3, unique=True),
        min_size=1,
        max_size=5,
    )
)
def test_summary_agrees_with_the_interval_of_the_statistics(groups):
    frame = pd.DataFrame(
        [(g, s, v) for g, values in enumerate(groups) for s, v in enumerate(values)],
        columns=["group", "seed", "value"],
    )
    summary = summarise_seeds(frame, "value", ["group"])
    for row, values in zip(summary.itertuples(), groups, strict=True):
        expected = paired_interval(values)
        assert row.mean == pytest.approx(expected.estimate)
        if expected.defined:
            scale = np.abs(values).max()
            assert row.low == pytest.approx(expected.low, abs=1e-9 * scale)
            assert row.high == pytest.approx(expected.high, abs=1e-9 * scale)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_failed_run_leaves_no_mean_and_is_counted(bad):
    frame = pd.DataFrame({"n": [1, 1, 2, 2], "seed": [0, 1, 0, 1], "value": [1.0, bad, 3.0, 5.0]})
    summary = summarise_seeds(frame, "value", ["n"]).set_index("n")
    assert np.isnan(summary.loc[1, ["mean", "low", "high"]].astype(float)).all()
    assert summary["not_finite"].tolist() == [1, 0]
    assert summary.loc[2, "mean"] == 4.0


def test_one_seed_has_a_mean_and_no_limits():
    summary = summarise_seeds(pd.DataFrame({"n": [1], "value": [2.0]}), "value", ["n"])
    assert summary["mean"].tolist() == [2.0]
    assert summary[["low", "high"]].isna().all(axis=None)


def test_failures_are_told_with_their_number(metrics):
    lost = diverge(diverge(metrics, "quantum", 100, 0), "quantum", 100, 2)
    sentences = describe_failures(diverge(lost, "square", 200, 1, heldout_mse=7.0))
    assert sentences == [
        "Not drawn, for runs without a finite error: quantum at n = 100 (2 of 4 seeds).",
        "Drawn, though flagged as diverged: square at n = 200 (1 of 4 seeds).",
    ]
    assert describe_failures(metrics) == []


def test_a_data_set_must_be_there_with_one_number_of_qubits(metrics):
    with pytest.raises(DataError, match=r"metrics.*'digits'.*synthetic-6q"):
        select_dataset(metrics, "digits", "metrics")
    both = pd.concat([metrics, metrics.assign(qubits=4)])
    with pytest.raises(DataError, match="4, 6 qubits"):
        select_dataset(both, "synthetic-6q", "metrics")


# --- axes


@given(st.floats(-12, 4), st.floats(0.03, 14))
def test_ticks_are_few_round_and_inside(exponent, decades):
    low, high = 10**exponent, 10 ** (exponent + decades)
    ticks = log_ticks(low, high)
    assert 2 <= len(ticks) <= 9
    assert (np.diff(ticks) > 0).all()
    assert low * (1 - 1e-6) <= ticks.min() and ticks.max() <= high * (1 + 1e-6)
    leading = ticks / 10.0 ** np.floor(np.log10(ticks) + 1e-9)
    assert np.allclose(leading * 100, np.round(leading * 100))


@pytest.mark.parametrize(
    ("value", "label"),
    [
        (0.002, "0.002"),
        (50, "50"),
        (1000, "1,000"),
        (1e-6, "$10^{-6}$"),
        (3e-6, r"$3 \times 10^{-6}$"),
        (0.0001, "0.0001"),
        (1e30, "$10^{30}$"),
    ],
)
def test_labels_of_ticks(value, label):
    assert plain_number(value) == label


# --- saving


def test_equal_figures_are_equal_files(tmp_path, metrics):
    for name in ("first", "second"):
        ax = empty_axes()
        draw_crossover(ax, metrics, NO_CROSSOVER, NOTHING_PUBLISHED)
        save_figure(ax.figure, [tmp_path / f"{name}.svg", tmp_path / f"{name}.png"])
    for suffix in ("svg", "png"):
        first, second = ((tmp_path / f"{n}.{suffix}").read_bytes() for n in ("first", "second"))
        assert first == second
    assert b"<dc:date>" not in (tmp_path / "first.svg").read_bytes()
    assert (tmp_path / "first.png").read_bytes().startswith(b"\x89PNG")


def test_another_suffix_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ConfigurationError, match=r"figure\.pdf.*\.svg or \.png"):
        save_figure(empty_axes().figure, [tmp_path / "figure.svg", tmp_path / "figure.pdf"])
    assert list(tmp_path.iterdir()) == []


def test_a_figure_that_cannot_be_drawn_leaves_no_file(tmp_path):
    ax = empty_axes()
    ax.set_title("$\\nonsense{$")
    with pytest.raises(ValueError, match="nonsense"):
        save_figure(ax.figure, [tmp_path / "figure.svg"])
    assert list(tmp_path.iterdir()) == []


# --- crossover


def test_crossover_draws_the_means_and_their_limits(metrics):
    ax = empty_axes()
    draw_crossover(ax, metrics, NO_CROSSOVER, NOTHING_PUBLISHED)
    colour = style_of("quantum").colour
    (line,) = line_in(ax, colour)
    (markers,) = line_in(ax, colour, style_of("quantum").marker)
    runs = metrics[metrics["model"] == "quantum"]
    means = runs.groupby("n")["heldout_mse"].mean()
    assert np.allclose(line.get_xydata(), np.column_stack([means.index, means]))
    assert np.allclose(markers.get_ydata(), means)
    expected = [paired_interval(g["heldout_mse"]) for _, g in runs.groupby("n")]
    (band,) = [b for b in ax.collections if np.allclose(b.get_facecolor()[0, :3], rgb(colour))]
    corners = band.get_paths()[0].vertices
    for n, interval in zip(SIZES, expected, strict=True):
        heights = corners[corners[:, 0] == n, 1]
        assert heights.min() == pytest.approx(interval.low)
        assert heights.max() == pytest.approx(interval.high)


def rgb(colour):
    return [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]


def test_students_are_not_in_the_crossover_figure(metrics):
    ax = empty_axes()
    draw_crossover(ax, metrics, NO_CROSSOVER, NOTHING_PUBLISHED)
    words = texts_of(ax.figure)
    assert all(name in words for name in (*BOTTLENECKS, *REFERENCES))
    assert not any(name in words for name in STUDENTS)


def test_published_points_are_hollow_and_within_the_measured_range(metrics):
    published = read_published(PUBLISHED_PATH)
    chosen = published[published["dataset"] == "synthetic-6q"]
    ax = empty_axes()
    draw_crossover(ax, metrics, NO_CROSSOVER, chosen)
    hollow = [line for line in ax.lines if line.get_markerfacecolor() == "none"]
    drawn = {(line.get_markeredgecolor(), *p) for line in hollow for p in line.get_xydata()}
    inside = chosen[chosen["n"] <= max(SIZES)]
    assert len(inside) == 4 < len(chosen)
    assert drawn == {
        (style_of(r.model).colour, float(r.n), r.heldout_mse) for r in inside.itertuples()
    }
    low, high = ax.get_ylim()
    assert inside["heldout_mse"].between(low, high).all()


def test_a_published_point_far_from_ours_is_inside_the_axes(metrics):
    published = pd.DataFrame({"model": ["classical"], "n": [100], "heldout_mse": [3.0]})
    ax = empty_axes()
    draw_crossover(ax, metrics, NO_CROSSOVER, published)
    assert ax.get_ylim()[1] > 3.0


def test_only_located_crossovers_are_marked(metrics):
    located = locate_crossovers(metrics)
    (found,) = located[located["baseline"] == "classical"].itertuples()
    assert found.verdict == "crossover"
    other = located[located["baseline"] == "classical"].assign(verdict="several", n_star=120.0)
    ax = empty_axes()
    table = pd.concat([located[located["baseline"] == "classical"], other])
    draw_crossover(ax, metrics, table, NOTHING_PUBLISHED)
    vertical = [line.get_xdata()[0] for line in ax.lines if len(set(line.get_xdata())) == 1]
    assert vertical == [found.n_star]
    (band,) = ax.patches
    assert band.get_x() == pytest.approx(found.ci_low)
    assert band.get_x() + band.get_width() == pytest.approx(found.ci_high)
    assert f"n = {found.n_star:.0f} [{found.ci_low:.0f}, {found.ci_high:.0f}]" in texts_of(
        ax.figure
    )


def test_an_open_crossover_interval_is_cut_at_the_axes_and_said_so(metrics):
    row = pd.DataFrame(
        [("synthetic-6q", 6, "quantum", "classical", 300.0, 0.0, np.inf, "crossover")],
        columns=[
            "dataset",
            "qubits",
            "challenger",
            "baseline",
            "n_star",
            "ci_low",
            "ci_high",
            "verdict",
        ],
    )
    ax = empty_axes()
    draw_crossover(ax, metrics, row, NOTHING_PUBLISHED)
    left, right = ax.get_xlim()
    assert left > 0 and np.isfinite(right)
    (band,) = ax.patches
    assert (band.get_x(), band.get_x() + band.get_width()) == pytest.approx((left, right))
    assert "no limit within the grid" in texts_of(ax.figure)


def test_the_optimum_is_a_line_labelled_as_such(metrics):
    ax = empty_axes()
    draw_crossover(ax, metrics, NO_CROSSOVER, NOTHING_PUBLISHED, optimum=0.00123)
    level = [line for line in ax.lines if line.get_label().startswith("closed-form optimum")]
    assert [line.get_ydata()[0] for line in level] == [0.00123]
    assert ax.get_ylim()[0] < 0.00123
    assert "closed-form optimum (0.00123)" in texts_of(ax.figure)


def test_a_diverged_run_breaks_its_line_and_is_told(metrics):
    ax = empty_axes()
    draw_crossover(ax, diverge(metrics, "linear", 100, 1), NO_CROSSOVER, NOTHING_PUBLISHED)
    (line,) = line_in(ax, style_of("linear").colour)
    assert np.isnan(line.get_ydata()).tolist() == [False, True, False, False]
    assert "linear at n = 100 (1 of 4 seeds)" in texts_of(ax.figure)


def test_a_limit_below_zero_runs_to_the_end_of_the_axis():
    runs = make_metrics(("synthetic-6q",), SIZES, seeds=2, names=["quantum"], noise=0.4)
    summary = summarise_seeds(runs, "heldout_mse", ["n"])
    assert (summary["low"] < 0).any()
    ax = empty_axes()
    draw_crossover(ax, runs, NO_CROSSOVER, NOTHING_PUBLISHED)
    low, high = ax.get_ylim()
    assert 0 < low < summary["mean"].min() and high < 10 * summary["mean"].max()


def test_the_legend_and_the_notes_leave_the_data_free(metrics):
    ax = empty_axes()
    draw_crossover(ax, diverge(metrics, "linear", 100, 1), NO_CROSSOVER, NOTHING_PUBLISHED, 0.001)
    figure = ax.figure
    figure.draw_without_rendering()
    (legend,) = figure.legends
    box = ax.get_window_extent()
    assert legend.get_window_extent().x0 > box.x1
    assert figure._supxlabel.get_window_extent().y1 < ax.xaxis.label.get_window_extent().y0
    assert box.width > 0.5 * figure.bbox.width and box.height > 0.6 * figure.bbox.height


# --- gap


def test_the_gap_is_the_geometric_mean_of_each_seeds_ratio(metrics):
    runs = metrics[metrics["stage"] == "trained"]
    summary = summarise_gap(runs).set_index(["model", "n"])
    one = runs[(runs["model"] == "linear") & (runs["n"] == 100)]
    expected = stats.gmean(one["heldout_mse"] / one["train_mse"])
    assert summary.loc[("linear", 100), "mean"] == pytest.approx(expected)


def test_ratios_above_the_axis_and_missing_ones_are_told(metrics):
    runs = metrics[metrics["stage"] == "trained"].copy()
    runs.loc[(runs["model"] == "pca") & (runs["n"] == 50), "train_mse"] = 1e-33
    runs.loc[(runs["model"] == "mean") & (runs["n"] == 100), "train_mse"] = 0.0
    runs.loc[runs["model"] == "linear", "train_mse"] /= 5
    ax = empty_axes()
    draw_gap(ax, runs)
    low, high = ax.get_ylim()
    assert low < 1 and 8 < high < 20
    (pca,) = line_in(ax, style_of("pca").colour)
    assert np.isnan(pca.get_ydata()[0]) and np.isfinite(pca.get_ydata()[1:]).all()
    (arrow,) = line_in(ax, style_of("pca").colour, "^")
    assert arrow.get_xydata().tolist() == [[50, high]]
    words = texts_of(ax.figure)
    assert "Above the axis (arrows): pca at n = 50 (ratio" in words
    assert "No ratio, the training error being zero: mean at n = 100." in words


def test_the_gap_fills_its_figure(metrics):
    ax = empty_axes()
    draw_gap(ax, metrics)
    ax.figure.draw_without_rendering()
    box = ax.get_window_extent()
    assert box.width > 0.5 * ax.figure.bbox.width and box.height > 0.7 * ax.figure.bbox.height


def test_a_run_without_training_error_is_told(metrics):
    runs = metrics.copy()
    runs.loc[(runs["model"] == "square") & (runs["n"] == 200), "train_mse"] = np.nan
    ax = empty_axes()
    draw_gap(ax, runs)
    assert "square at n = 200 (4 of 4 seeds)" in texts_of(ax.figure)


# --- transfer


@pytest.fixture(scope="module")
def transfer(metrics):
    """At 50 and 100 there is a lead to retain, at 500 there is none."""
    return judge_transfer(metrics)


def panel_of(figure, title):
    return next(ax for ax in figure.axes if ax.get_title("left") == title)


def test_retained_fractions_are_drawn_where_they_are(transfer):
    figure = Figure()
    draw_transfer(figure, transfer)
    chosen = transfer[transfer["n"] == 100].set_index(["student", "stage"])
    panel = panel_of(figure, "n = 100")
    height = row_labels(transfer).index(("distilled_pool", "distilled"))
    row = chosen.loc[("distilled_pool", "distilled")]
    at_height = [line for line in panel.lines if set(line.get_ydata()) == {height}]
    points = [line.get_xdata() for line in at_height]
    assert any(np.allclose(x, row["retained"]) for x in points if len(x) == 1)
    limits = [row["ci_low"], row["ci_high"]]
    assert any(np.allclose(x, limits) for x in points if len(x) == 2)
    assert {0, 1, 0.2, 0.8} <= {line.get_xdata()[0] for line in panel.lines}


def test_where_there_is_no_lead_the_panel_says_undefined(transfer):
    assert set(transfer[transfer["n"] == 500]["verdict"]) == {"undefined"}
    figure = Figure()
    draw_transfer(figure, transfer)
    words = [text.get_text() for text in panel_of(figure, "n = 500").texts]
    assert words == ["undefined"] * len(row_labels(transfer))
    assert not panel_of(figure, "n = 50").texts
    assert "Undefined at n = 500: quantum does not beat classical" in texts_of(figure)


def one_row(transfer, **changes):
    chosen = transfer[(transfer["student"] == "distilled_pool") & (transfer["n"] == 100)]
    return chosen.assign(**changes)


def test_an_unbounded_interval_has_arrows_on_its_open_sides(transfer):
    for low, high, edges in (
        (-np.inf, np.inf, set(AXIS_LIMITS)),
        (-np.inf, 0.9, {AXIS_LIMITS[0]}),
        (-0.7, 2.0, set()),
    ):
        figure = Figure()
        draw_transfer(figure, one_row(transfer, ci_low=low, ci_high=high))
        (panel,) = figure.axes
        arrows = {line.get_xdata()[0] for line in panel.lines if isinstance(line.get_marker(), int)}
        assert arrows == edges
        assert ("unbounded" in texts_of(figure)) == bool(edges)
        assert ("axes end" in texts_of(figure)) == (not edges)


@pytest.mark.parametrize(("retained", "words"), [(-36.2, "\N{MINUS SIGN}36"), (2.74, "2.7")])
def test_an_estimate_beyond_the_axis_is_a_number_at_its_end(transfer, retained, words):
    figure = Figure()
    low, high = retained - 0.1, retained + 0.1
    draw_transfer(figure, one_row(transfer, retained=retained, ci_low=low, ci_high=high))
    (text,) = figure.axes[0].texts
    assert text.get_text() == words
    assert text.xy[0] == (AXIS_LIMITS[0] if retained < 0 else AXIS_LIMITS[1])
    assert "The axes end at \N{MINUS SIGN}0.5 and 1.5" in texts_of(figure)


def test_an_estimate_without_limits_is_drawn_without_a_line(transfer):
    figure = Figure()
    draw_transfer(figure, one_row(transfer, ci_low=np.nan, ci_high=np.nan, verdict="undecided"))
    at_row = [line for line in figure.axes[0].lines if list(line.get_ydata()) == [0]]
    assert len(at_row) == 1
    assert not [line for line in figure.axes[0].lines if list(line.get_ydata()) == [0, 0]]


def test_diverged_seeds_are_told_in_the_transfer_figure(transfer):
    figure = Figure()
    draw_transfer(figure, one_row(transfer, diverged=3))
    assert "distilled_pool at n = 100 (3 seeds)" in texts_of(figure)


def test_many_sizes_are_wrapped_into_rows_of_panels(transfer):
    sizes = (50, 60, 70, 80, 90, 100, 110)
    many = pd.concat([one_row(transfer, n=n) for n in sizes])
    figure = Figure()
    draw_transfer(figure, many)
    shown = [ax.get_title("left") for ax in figure.axes if ax.axison]
    assert shown == [f"n = {n}" for n in sizes]


# --- curves


def write_history(root, n, seeds, model, level=1.0, epochs=5, dataset="synthetic-6q"):
    block = f"{seeds[0]}-{seeds[-1]}"
    path = root / f"results/study/{dataset}/n~{n}/seeds~{block}/{model}/history.parquet"
    seed, epoch = (grid.ravel() for grid in np.meshgrid(seeds, range(epochs + 1), indexing="ij"))
    heldout = level * (1 + seed) * 2.0**-epoch
    columns = dict(seed=seed, epoch=epoch, train_mse=heldout / 2, heldout_mse=heldout)
    write_table("history", path, {**columns, "seconds": 0.1 * epoch}, {})
    return path


def test_curves_join_the_blocks_of_a_model(tmp_path):
    paths = [write_history(tmp_path, 50, seeds, "quantum") for seeds in ((0, 1), (2, 3))]
    paths.append(write_history(tmp_path, 100, (0, 1), "classical"))
    histories = read_histories(paths)
    assert set(histories["dataset"]) == {"synthetic-6q"}
    figure = Figure()
    draw_curves(figure, histories)
    upper_left, upper_right, lower_left, _ = figure.axes
    (line,) = line_in(upper_left, style_of("quantum").colour)
    assert np.allclose(line.get_ydata(), 2.5 * 2.0 ** -np.arange(6))
    (line,) = line_in(lower_left, style_of("quantum").colour)
    assert np.allclose(line.get_ydata(), 1.25 * 2.0 ** -np.arange(6))
    assert line_in(upper_right, style_of("classical").colour)
    assert upper_right.get_title("left") == "n = 100"


def test_curves_that_end_early_are_told(tmp_path):
    histories = read_histories([write_history(tmp_path, 50, (0, 1), "quantum")])
    histories.loc[(histories["seed"] == 1) & (histories["epoch"] > 2), "heldout_mse"] = np.nan
    figure = Figure()
    draw_curves(figure, histories)
    (line,) = line_in(figure.axes[0], style_of("quantum").colour)
    assert np.isfinite(line.get_ydata()).tolist() == [True] * 3 + [False] * 3
    assert "quantum at n = 50 (1 seed)" in texts_of(figure)


def test_a_path_that_names_no_run_is_refused(tmp_path):
    path = tmp_path / "history.parquet"
    with pytest.raises(DataError, match=r"history\.parquet: expected a path that ends with"):
        read_histories([path])
    with pytest.raises(DataError, match="no history was given"):
        read_histories([])


# --- unitary


def unitary_columns(width=8, seed=3):
    matrix = stats.unitary_group.rvs(width, random_state=seed).astype(np.complex64)
    row, column = np.divmod(np.arange(width * width), width)
    entries = pd.DataFrame(
        {
            "seed": seed,
            "row": row,
            "column": column,
            "re": matrix.real.ravel(),
            "im": matrix.imag.ravel(),
        }
    )
    return matrix, entries


def test_the_matrix_is_that_of_the_first_seed_in_any_order_of_rows():
    matrix, entries = unitary_columns(seed=3)
    _, others = unitary_columns(seed=5)
    shuffled = pd.concat([others, entries]).sample(frac=1, random_state=0)
    seed, found = matrix_of_seed(shuffled, "file")
    assert seed == 3
    assert np.array_equal(found, matrix)


def test_an_incomplete_matrix_is_refused():
    _, entries = unitary_columns()
    with pytest.raises(DataError, match="file: seed 3 has 63 entries"):
        matrix_of_seed(entries.drop(index=20), "file")
    doubled = pd.concat([entries.drop(index=20), entries.iloc[:1]])
    with pytest.raises(DataError, match="not a full square matrix"):
        matrix_of_seed(doubled, "file")
    with pytest.raises(DataError, match="no entry"):
        matrix_of_seed(entries.iloc[:0], "file")


@pytest.mark.parametrize("width", [4, 64])
def test_the_density_is_that_of_entries_of_uniform_unitaries(width):
    total, _ = integrate.quad(haar_density, 0, 1, args=(width,))
    assert total == pytest.approx(1)
    squares = [
        np.abs(stats.unitary_group.rvs(width, random_state=seed)[0, 0]) for seed in range(400)
    ]
    test = stats.kstest(squares, lambda r: 1 - (1 - r**2) ** (width - 1))
    assert test.pvalue > 1e-3
    middle = 0.7 / np.sqrt(width)
    step = 1e-6
    rise = (1 - (middle + step) ** 2) ** (width - 1) - (1 - middle**2) ** (width - 1)
    assert haar_density(np.array(middle), width) == pytest.approx(-rise / step, rel=1e-3)


def test_the_maps_show_sizes_and_mask_the_phase_of_tiny_entries():
    matrix, _ = unitary_columns()
    matrix = matrix.copy()
    matrix[2, 5] = 0.5 * TINY_SHARE / np.sqrt(8) * 1j
    figure = Figure()
    draw_unitary(figure, matrix)
    sizes, phases = (
        ax.images[0].get_array() for ax in figure.axes if ax.images and not ax.get_label()
    )
    assert np.allclose(sizes, np.abs(matrix))
    assert np.array_equal(np.ma.getmaskarray(phases), np.abs(matrix) < TINY_SHARE / np.sqrt(8))
    assert phases.mask[2, 5]
    assert np.allclose(phases.compressed(), np.angle(matrix)[~phases.mask])


# --- from files to files


def write_study(root, metrics, transfer):
    write_table("metrics", root / "metrics.parquet", metrics, {})
    write_table("crossover", root / "crossover.parquet", locate_crossovers(metrics), {})
    write_table("transfer", root / "transfer.parquet", transfer, {})
    columns = {"row": [0], "split": ["train"], "features": np.zeros((1, 4), np.float32)}
    write_table("latents", root / "latents.parquet", columns, {}, {"optimal_mse": "0.00195"})
    _, entries = unitary_columns()
    for n in (50, 500):
        path = f"results/study/synthetic-6q/n~{n}/seeds~0-1/quantum/unitary.parquet"
        write_table("unitary", root / path, entries, {})


def test_every_figure_is_read_drawn_and_saved(tmp_path, metrics, transfer):
    write_study(tmp_path, metrics, transfer)
    assert read_optimum(tmp_path / "latents.parquet") == 0.00195
    assert read_optimum(tmp_path / "metrics.parquet") is None
    outputs = {
        name: [tmp_path / f"figures/{name}.svg", tmp_path / f"figures/{name}.png"]
        for name in ("crossover", "gap", "transfer", "curves", "unitary")
    }
    name = "synthetic-6q"
    plot_crossover(
        tmp_path / "metrics.parquet",
        tmp_path / "crossover.parquet",
        PUBLISHED_PATH,
        tmp_path / "latents.parquet",
        name,
        outputs["crossover"],
    )
    plot_gap(tmp_path / "metrics.parquet", name, outputs["gap"])
    plot_transfer(tmp_path / "transfer.parquet", name, outputs["transfer"])
    history = write_history(tmp_path, 50, (0, 1), "quantum")
    other = write_history(tmp_path, 70, (0, 1), "quantum", dataset="digits")
    plot_curves([history, other], name, outputs["curves"])
    unitaries = sorted(tmp_path.rglob("unitary.parquet"))
    plot_unitary(unitaries, name, outputs["unitary"])
    for svg, png in outputs.values():
        assert "</svg>" in svg.read_text()[-20:]
        assert png.stat().st_size > 10_000
    written = sorted(path.name for path in (tmp_path / "figures").iterdir())
    assert written == sorted(path.name for pair in outputs.values() for path in pair)


def test_one_path_stands_for_a_list_of_one(tmp_path):
    history = write_history(tmp_path, 50, (0, 1), "quantum")
    plot_curves(str(history), "synthetic-6q", [tmp_path / "curves.svg"])
    assert (tmp_path / "curves.svg").exists()
    with pytest.raises(DataError, match="no path of data set 'digits'"):
        plot_unitary(str(history), "digits", [tmp_path / "unitary.svg"])


def test_a_damaged_table_leaves_no_figure(tmp_path):
    (tmp_path / "metrics.parquet").write_bytes(b"PAR1 nothing else")
    with pytest.raises(DataError, match=r"metrics\.parquet"):
        plot_gap(tmp_path / "metrics.parquet", "synthetic-6q", [tmp_path / "gap.svg"])
    assert not (tmp_path / "gap.svg").exists()


def test_drawing_leaves_the_styles_and_the_settings_as_they_were(metrics):
    import matplotlib

    before = dict(matplotlib.rcParams)
    with figure_settings():
        draw_gap(empty_axes(), metrics)
    assert dict(matplotlib.rcParams) == before
    assert replace(style_of("quantum"), marker="") != STYLES["quantum"]

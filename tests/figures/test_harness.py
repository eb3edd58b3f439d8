"""What all figures must do: say what they show, label few lines, be saved whole or not at all."""

import matplotlib
import pandas as pd
import pytest
from matplotlib.figure import Figure

from helpers.benchmarks import make_scores
from helpers.cost import make_cost
from helpers.downstream import make_downstream
from helpers.figures import (
    POWERS,
    check_saved,
    history_of,
    svg_texts,
    trainability_of,
    unitary_entries,
    write_latents,
)
from helpers.measurement import (
    make_measured,
    make_measured_students,
    make_noise_depth,
    make_shot_training,
)
from helpers.metrics import make_setting_sweep, make_sweep
from helpers.retrieval import make_retrieval
from helpers.robustness import make_robustness
from qdistill.errors import ConfigurationError, DataError
from qdistill.figures.harness import draw_and_save, finish, plot_figures, plot_study
from qdistill.judgement.benchmarks import rank_scores
from qdistill.judgement.published import PUBLISHED_PATH, read_published
from qdistill.judgement.retrieval import judge_front
from qdistill.judgement.study import judge_tables
from qdistill.storage.contracts.devices import PREDICTORS
from qdistill.storage.tables import write_table
from qdistill.study.figures import FIGURES, STUDY_FIGURES
from qdistill.study.registry import BOTTLENECKS


@pytest.fixture(scope="module")
def sources(tmp_path_factory, metrics):
    """Files of every table of a study with another protocol and data set beside it."""
    folder = tmp_path_factory.mktemp("study")
    results = {"metrics": metrics, "sweep": make_sweep(metrics)}
    tables = {**results, **judge_tables(results, read_published())}
    tables |= {"downstream": make_downstream(metrics), "unitary": unitary_entries()[1]}
    tables |= {"robustness": make_robustness(metrics)}
    few = metrics[metrics["model"].isin(["linear", "quantum"])]
    tables |= {"retrieval_front": judge_front(make_retrieval(few), (48, 64))}
    tables |= {"measured": make_measured(), "noise_depth": make_noise_depth()}
    tables |= {"measured_students": make_measured_students(dict.fromkeys(PREDICTORS, 0.004))}
    scales = make_setting_sweep(metrics, "quantum", "code_scale", {1: 1.0, 64: 9.0})
    histories = pd.concat([history_of(50, (0, 1), name) for name in BOTTLENECKS])
    histories["general_loss"] = 2 - histories["heldout_loss"].clip(upper=1)
    tables |= {"setting_sweep": scales, "history": histories}
    for kind, table in tables.items():
        elsewhere = table.assign(n=table["n"] + 7) if "n" in table else table
        others = [elsewhere.assign(protocol="regularised"), elsewhere.assign(dataset="digits")]
        write_table(kind, folder / f"{kind}.parquet", pd.concat([table, *others]), {})
    write_table("cost", folder / "cost.parquet", make_cost(), {})
    ranks = rank_scores(make_scores())
    write_table("benchmark_ranks", folder / "benchmark_ranks.parquet", ranks, {})
    write_table("shot_training", folder / "shot_training.parquet", make_shot_training(), {})
    write_table("trainability", folder / "trainability.parquet", trainability_of(POWERS), {})
    write_latents(folder / "latents.parquet", optimal_mse="0.00195", pca_floor_mse="0.002")
    files = {path.stem: path for path in folder.glob("*.parquet")}
    files |= {"histories": [files["history"]], "published_csv": PUBLISHED_PATH}
    return {**files, "angles": 240, "largest_n": 50}


def outputs_of(folder, name):
    return [folder / "figures" / f"{name}.{suffix}" for suffix in ("svg", "png")]


def words_of(folder, name, sources):
    """Words of a figure that is drawn from files and saved."""
    files = outputs_of(folder, name)
    if name in STUDY_FIGURES:
        plot_study(name, sources[STUDY_FIGURES[name].inputs[0]], files)
    else:
        plot_figures(sources, "synthetic-6q", "article", {name: files})
    check_saved(files)
    return svg_texts(files[0])


@pytest.mark.slow
@pytest.mark.parametrize("name", [*FIGURES, *STUDY_FIGURES])
def test_a_saved_figure_says_what_it_shows_in_few_labelled_lines(
    tmp_path, monkeypatch, sources, name
):
    drawn, save = [], Figure.savefig

    def keep(figure, *where, **how):
        drawn.append(figure)
        save(figure, *where, **how)

    monkeypatch.setattr(Figure, "savefig", keep)
    words = words_of(tmp_path, name, sources)
    entry = (FIGURES | STUDY_FIGURES)[name]
    assert entry.title in words and entry.look_for.split(". ")[0][:40] in words.replace("\n", " ")
    if name in FIGURES:
        assert f"synthetic-6q, protocol article: {entry.title}" in words
        assert "57" not in words.split() and "107" not in words.split()  # of other problems
    figure = drawn[0]
    legends = [*figure.legends, *(ax.get_legend() for ax in figure.axes if ax.get_legend())]
    assert all(1 <= len(legend.get_texts()) <= 8 for legend in legends)
    figure.draw_without_rendering()
    shown = [ax.get_window_extent() for ax in figure.axes]
    for legend in figure.legends:  # clear of the data
        assert legend.get_window_extent().x0 > max(box.x1 for box in shown)
    for text in (*figure.texts, figure._suptitle, *filter(None, [figure._supxlabel])):
        box = text.get_window_extent()
        assert box.x0 >= 0 and box.x1 <= figure.bbox.x1 and box.y0 >= 0 and box.y1 <= figure.bbox.y1
    # Nothing collapsed, colour bars being narrow.
    assert min(max(box.size) for box in shown) > 0.15 * figure.bbox.height


def test_equal_figures_are_equal_files(tmp_path, sources):
    for folder in ("one", "two"):
        words_of(tmp_path / folder, "gap", sources)
    for one in outputs_of(tmp_path / "one", "gap"):
        other = tmp_path / "two" / "figures" / one.name
        assert one.read_bytes() == other.read_bytes() and b"<dc:date>" not in one.read_bytes()


def test_another_suffix_is_refused_before_anything_is_written(tmp_path, sources):
    files = [tmp_path / "figure.svg", tmp_path / "figure.pdf"]
    with pytest.raises(ConfigurationError, match=r"figure\.pdf.*\.svg or \.png"):
        plot_study("cost", sources["cost"], files)
    assert list(tmp_path.iterdir()) == []


def test_a_figure_that_cannot_be_drawn_leaves_no_file(tmp_path, sources):
    given = {**sources, "metrics": tmp_path / "metrics.parquet"}
    given["metrics"].write_bytes(b"PAR1 nothing else")
    files = outputs_of(tmp_path, "gap")
    with pytest.raises(DataError, match=r"metrics\.parquet"):
        plot_figures(given, "synthetic-6q", "article", {"gap": files})
    said = r"no row for data set .*; it has: synthetic-6q \(article\)$"
    for where in (("nothing", "article"), ("synthetic-6q", "nothing")):
        with pytest.raises(DataError, match=said):
            plot_figures(sources, *where, {"unitary": files})
    with pytest.raises(DataError, match="no row for data set"):  # nor at this n
        plot_figures({**sources, "largest_n": 70}, *("synthetic-6q", "article"), {"unitary": files})
    write_table("trainability", tmp_path / "t.parquet", trainability_of(POWERS).iloc[:0], {})
    with pytest.raises(DataError, match=r"t\.parquet: holds no row"):
        plot_study("trainability", tmp_path / "t.parquet", files)
    with pytest.raises(ValueError, match="nonsense"):
        draw_and_save("cost", [make_cost()], files, place="$\\nonsense{$ ")
    assert not [*tmp_path.glob("figures/*")]


def test_drawing_leaves_the_settings_as_they_were(tmp_path, sources):
    before = dict(matplotlib.rcParams)
    words_of(tmp_path, "trainability", sources)
    assert dict(matplotlib.rcParams) == before


def test_a_long_note_is_wrapped_inside_the_figure():
    figure = Figure(figsize=(6, 4))
    figure.add_subplot()
    finish(figure, "Title", "Look " * 40, ["n = 1,000; (0.00029) and more of them: " * 6, "Short."])
    figure.draw_without_rendering()
    for text in (figure._supxlabel, figure.texts[0]):
        box = text.get_window_extent()
        assert box.x0 >= 0 and box.x1 <= figure.bbox.x1
    assert figure._supxlabel.get_text().endswith("\nShort.")
    assert figure.texts[0].get_window_extent().y0 > figure.axes[0].get_window_extent().y1

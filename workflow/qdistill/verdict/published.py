"""The published figures beside those reproduced."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from qdistill.judgement.comparisons import compare_models
from qdistill.judgement.published import TOLERANCE
from qdistill.verdict.relations import Comparison, compare, relate
from qdistill.verdict.sources import Finding, bullet, join
from qdistill.verdict.tables import ProblemTables, StudyTables
from qdistill.wording import enumeration, estimate, number, percentage, table_lines

# What the article's words, "a linear layer with LayerNorm", or less than them, may mean.
READINGS = ("classical", "classical_dense", "linear")
_TOLERATED = f"{100 * TOLERANCE:g} %"


def published_section(study: StudyTables, parts: Sequence[ProblemTables]) -> list[str]:
    """Return lines of Markdown that set published figures beside ours; none if there are none."""
    if study.published.empty:
        return []
    held = [part for part in parts if len(part.published)]
    quantum = [(part.problem.label, found) for part in held for found in _differs(part, "quantum")]
    findings = [*_counts(held), *quantum, *_classical(held)]
    return [
        "## Published and reproduced",
        "",
        f"From `published.parquet`. {_provenance(held)}",
        "",
        *_figures(study.published),
        *(bullet(finding, label) for label, finding in findings),
        "",
        *_readings(held),
    ]


Labelled = tuple[str, Finding]


def _provenance(parts: Sequence[ProblemTables]) -> str:
    text = "The article gives neither the spread nor the number of its seeds, nor its generator."
    names = sorted({part.problem.dataset for part in parts if part.problem.is_calibrated})
    if names:
        text += (
            f" The constants of ours ({enumeration(f'`{name}`' for name in names)}) were "
            "calibrated on the quantum column at n ≥ 500 alone: agreement there is by "
            "construction, while n = 100 and the whole classical column are predictions."
        )
    others = sorted({part.problem.dataset for part in parts} - set(names))
    if others:
        text += (
            f" The settings of {enumeration(f'`{name}`' for name in others)} are not known to be "
            "the calibrated ones."
        )
    return text


def _figures(table: pd.DataFrame) -> list[str]:
    """One row for each published figure, protocols side by side."""
    protocols = sorted(table["protocol"].unique())
    header = ["data set", "n", "model", "published"]
    for protocol in protocols:
        header += [f"here, {protocol} protocol", f"deviation, {protocol}"]
    body = []
    keys = ["dataset", "model", "n", "published"]
    for (dataset, model, n, published), rows in table.groupby(keys, sort=True):
        cells = [f"`{dataset}`", str(n), f"`{model}`", number(published)]
        by_protocol = rows.set_index("protocol")
        for protocol in protocols:
            if protocol not in by_protocol.index:
                cells += ["", ""]
                continue
            row = by_protocol.loc[protocol]
            ours = estimate(row["mean"], row["ci_low"], row["ci_high"])
            if row["diverged"]:
                ours += f" ({row['diverged']} of {row['seeds']} diverged)"
            cells += [
                ours,
                _deviation(row) + ("" if row["within_twentieth"] else f" (beyond {_TOLERATED})"),
            ]
        body.append(cells)
    return table_lines(header, body)


def _deviation(row: pd.Series) -> str:
    """Deviation from the published figure with the interval of our mean."""
    value = percentage(row["deviation"])
    limits = np.array([row["ci_low"], row["ci_high"]]) / row["published"] - 1
    if not np.isfinite(limits).all():
        return value
    return f"{value} [{percentage(limits[0])}, {percentage(limits[1])}]"


def _by(rows: pd.DataFrame) -> str:
    return enumeration(f"{_deviation(row)} at n = {row['n']}" for _, row in rows.iterrows())


def _counts(parts: Sequence[ProblemTables]) -> list[Labelled]:
    """Count the figures within the tolerance, by protocol and model."""
    found = []
    for protocol in sorted({part.problem.protocol for part in parts}):
        here = [part for part in parts if part.problem.protocol == protocol]
        rows = pd.concat([part.published for part in here])
        counts = [
            f"{int(own['within_twentieth'].sum())} of {len(own)} for `{model}`"
            for model, own in rows.groupby("model")
        ]
        text = f"Within {_TOLERATED} of the published figure: {enumeration(counts)}."
        sources = tuple(part.source("published") for part in here)
        found.append((f"{protocol} protocol", Finding(text, sources)))
    return found


def _beyond(part: ProblemTables, model: str) -> pd.DataFrame:
    rows = part.published[part.published["model"] == model].sort_values("n")
    return rows[~rows["within_twentieth"]]


def _differs(part: ProblemTables, model: str) -> list[Finding]:
    """Say where and by how much one model differs."""
    rows = _beyond(part, model)
    if rows.empty:
        return []
    text = f"`{model}` differs from the published figure by {_by(rows)}."
    return [Finding(text, (part.source("published", list(rows["n"]), model=model),))]


def _classical(parts: Sequence[ProblemTables]) -> list[Labelled]:
    """Say how the baseline differs, and what this study shows that may be why."""
    found = []
    for part in parts:
        differs = _differs(part, "classical")
        if differs:
            why = [*_as_trained_longer(part, parts), *_its_worth(part)]
            found.append((part.problem.label, join([*differs, *why])))
    return found


def _as_trained_longer(part: ProblemTables, parts: Sequence[ProblemTables]) -> list[Finding]:
    """Give the article's protocol the deviation under the others, where they have the n."""
    sizes = set(_beyond(part, "classical")["n"])
    findings: list[Finding] = []
    if part.problem.protocol != "article":
        return findings
    for other in parts:
        if other.problem.dataset != part.problem.dataset or other is part:
            continue
        rows = other.published
        rows = rows[(rows["model"] == "classical") & rows["n"].isin(sizes)].sort_values("n")
        if len(rows):
            text = f"Under the {other.problem.protocol} protocol it differs by {_by(rows)}."
            quoted = other.source("published", list(rows["n"]), model="classical")
            findings.append(Finding(text, (quoted,)))
    return findings


def _its_worth(part: ProblemTables) -> list[Finding]:
    """Compare the baseline with the mean, and with itself without LayerNorm."""
    findings = relate(part, "Here `classical` is", compare(part, "classical", "mean"))
    if {"linear", "classical"} <= part.names:
        rows = compare_models(part.metrics, "linear", "trained", [("classical", "trained")])
        quoted = part.source("metrics", model=("linear", "classical"))
        rows = rows.set_index("n", drop=False).rename_axis(None)
        found = [Comparison("linear", "classical", rows, quoted)]
        findings += relate(part, "The same model without its LayerNorm, `linear`, is", found)
    return findings


def _readings(parts: Sequence[ProblemTables]) -> list[str]:
    """Set what the article's baseline may have been beside its published figures."""
    parts = [part for part in parts if (part.published["model"] == "classical").any()]
    held = [name for name in READINGS if any(name in part.names for part in parts)]
    if len(held) < 2:
        return []
    rows, sources = [], []
    within: dict[str, list[bool]] = {name: [] for name in held}
    for part in parts:
        figures = part.published[part.published["model"] == "classical"].set_index("n")
        names = [name for name in held if name in part.names]
        for n, figure in figures["published"].sort_index().items():
            here = part.metrics[(part.metrics["n"] == n) & (part.metrics["stage"] == "trained")]
            cells = [f"`{part.problem.dataset}`", part.problem.protocol, str(n)]
            for name in held:
                mean = here.loc[here["model"] == name, "heldout_mse"].mean(skipna=False)
                deviation = mean / figure - 1
                cells.append(percentage(deviation) if name in names else "")
                if name in names:
                    within[name].append(abs(deviation) <= TOLERANCE)
            rows.append(cells)
        if names:
            sizes = sorted(int(n) for n in figures.index)
            sources.append(part.source("metrics", sizes, model=names, stage="trained"))
            sources.append(part.source("published", sizes, model="classical"))
    header = ["data set", "protocol", "n", *(f"`{name}`" for name in held)]
    counts = enumeration(
        f"{sum(within[name])} of {len(within[name])} for `{name}`" for name in held
    )
    text = f"Within {_TOLERATED} of the published classical figure: {counts}."
    return [
        'The article calls its baseline "a linear layer with LayerNorm", which can be read in more '
        "than one way. Deviations of each reading from the published classical figures:",
        "",
        *table_lines(header, rows),
        bullet(Finding(text, tuple(sources))),
        "",
    ]

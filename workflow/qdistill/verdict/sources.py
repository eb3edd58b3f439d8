"""Findings, and the rows of the tables that they rest on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """Rows of a table, chosen by the values of some columns.

    Attributes
    ----------
    table : str
        Name of the table, which is that of its file without ``.parquet``.
    where : mapping of str to tuple of str
        Values that each column may have.
    """

    table: str
    where: Mapping[str, tuple[str, ...]]

    def __str__(self) -> str:
        """Write the source as the verdict shows it; several values are joined by ``|``."""
        conditions = (f"{column} = {'|'.join(values)}" for column, values in self.where.items())
        return f"{self.table}.parquet: {', '.join(conditions)}"


@dataclass(frozen=True)
class Finding:
    """One or more sentences, with what they rest on.

    Attributes
    ----------
    text : str
        Whole sentences.
    sources : tuple of Source
        At least one.
    """

    text: str
    sources: tuple[Source, ...]

    def __post_init__(self) -> None:
        """Refuse a finding that nothing supports."""
        if not self.sources:
            raise ValueError(f"a finding without a source: {self.text}")


def source(table: str, **where: object) -> Source:
    """Return a source: rows of a table.

    Parameters
    ----------
    table : str
        Name of the table.
    **where
        One value for each column, or an iterable of several.

    Examples
    --------
    >>> str(source("transfer", dataset="digits", n=[50, 100]))
    'transfer.parquet: dataset = digits, n = 50|100'
    """
    return Source(table, {column: _values(value) for column, value in where.items()})


def merge(sources: Iterable[Source]) -> list[Source]:
    """Combine sources that differ in one column only, and drop repeated ones."""
    found: list[Source] = []
    for new in sources:
        for place, old in enumerate(found):
            both = _together(old, new)
            if both is not None:
                found[place] = both
                break
        else:
            found.append(new)
    return found


def cite(sources: Iterable[Source]) -> str:
    """Write sources as the end of a sentence: inline code, in brackets."""
    return f"`[{'; '.join(map(str, merge(sources)))}]`"


def join(findings: Sequence[Finding]) -> Finding:
    """Combine findings into one."""
    every = tuple(each for finding in findings for each in finding.sources)
    return Finding(" ".join(finding.text for finding in findings), every)


def bullet(finding: Finding, label: str = "") -> str:
    """Write a finding as one item of a list, its sources at the end.

    Parameters
    ----------
    label : str
        What it is about; shown in bold.
    """
    start = f"**{label}**: " if label else ""
    return f"- {start}{finding.text} {cite(finding.sources)}"


def _values(value: object) -> tuple[str, ...]:
    if isinstance(value, Iterable) and not isinstance(value, str):
        return tuple(str(each) for each in value)
    return (str(value),)


def _together(one: Source, other: Source) -> Source | None:
    """One source for both, or None if none selects just their rows."""
    if one.table != other.table or list(one.where) != list(other.where):
        return None
    differing = [column for column in one.where if one.where[column] != other.where[column]]
    if len(differing) > 1:
        return None
    where = dict(one.where)
    for column in differing:
        where[column] = tuple(dict.fromkeys((*one.where[column], *other.where[column])))
    return Source(one.table, where)

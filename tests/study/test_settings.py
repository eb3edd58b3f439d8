"""The shipped studies, mutated, are resolved or refused in one line."""

from copy import deepcopy
from functools import reduce
from operator import getitem

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.configuration import CONFIG, changes_of, study_of
from qdistill.errors import ConfigurationError
from qdistill.study.configuration import resolve_study

SHIPPED = [
    study_of({"deploy": None, **changes_of(path)}) for path in sorted(CONFIG.rglob("*.yaml"))
]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 10**6) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=4,
)
WORDS = st.sampled_from(["kind", "name", "source", "x" * 500, "models", "all", "tuned", "1"])


def places_of(value, path=()):
    """Every place of a configuration."""
    children = dict(enumerate(value)) if isinstance(value, list) else value
    for key, child in children.items() if isinstance(children, dict) else ():
        yield (*path, key)
        yield from places_of(child, (*path, key))


def retyped(value):
    """A value as another type, as a slip of the pen in YAML makes of it."""
    turned = [str(value), [value], {"name": value}, value == value]
    if isinstance(value, int | float):
        turned += [float(value), -value, value * 10**9, value + 0.5]
    return turned


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_the_shipped_studies_mutated_are_resolved_or_refused_in_one_line(data):
    config = deepcopy(data.draw(st.sampled_from(SHIPPED)))
    for _ in range(data.draw(st.integers(1, 3))):
        places = list(places_of(config))
        if not places:
            break
        *path, last = data.draw(st.sampled_from(places))
        target = reduce(getitem, path, config)
        what = data.draw(st.sampled_from(["delete", "replace", "retype", "rename", "swap"]))
        if what == "delete":
            del target[last]
        elif what == "replace":
            target[last] = data.draw(ANYTHING | WORDS)
        elif what == "retype":
            target[last] = data.draw(st.sampled_from(retyped(target[last])))
        elif what == "rename" and isinstance(target, dict):
            target[data.draw(st.text(max_size=8) | WORDS | st.just(f"{last}s"))] = target.pop(last)
        else:  # a value from elsewhere
            source = reduce(getitem, data.draw(st.sampled_from(places)), config)
            target[last] = deepcopy(source)
    try:
        study = resolve_study(config)
    except ConfigurationError as error:
        assert "\n" not in str(error) and len(str(error)) <= 400
        assert "pydantic" not in str(error) and "Input should" not in str(error)
    else:
        assert study.problems and study.blocks and study.grids()

"""The stored account of what jobs cost, by the names of their rules."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeVar

import yaml

from qdistill.places import WORKFLOW

_ACCOUNT = WORKFLOW / "resources" / "account.yaml"
T = TypeVar("T")


@lru_cache(maxsize=1)
def read_account() -> dict[str, Any]:
    """Read the stored account of costs, which is not to be changed."""
    return yaml.safe_load(_ACCOUNT.read_text(encoding="utf-8"))


def of_rule(rule: str, known: Mapping[str, T], otherwise: T) -> T:
    """Return what stands under a rule's name.

    Rules of a kind are named alike: "plot_figures_regularised" is one of "plot_figures".
    """
    fitting = [name for name in known if rule.startswith(name)]
    return known[max(fitting, key=len)] if fitting else otherwise

"""Times of several things, taken in turn so that they can be compared."""

import math
import statistics
import time
from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

from qdistill.jobs import paused_collector

Key = TypeVar("Key", bound=Hashable)

ROUND_SECONDS = 0.01  # a clock's tick and a Python loop are nothing beside it
BUDGET_SECONDS = 2.0  # for one entry, all rounds together
_MOST_TRIALS = 20
_WARM_SHARE = 4  # a quarter as many calls as count come before them


def plan_rounds(seconds: float, rounds: int, budget: float = BUDGET_SECONDS) -> tuple[int, int]:
    """Choose in how many rounds, and how often in each, to call what takes about ``seconds``.

    A round is made of as many calls as fill :data:`ROUND_SECONDS`. What is so slow that all
    rounds would take longer than the budget has part in fewer rounds, but in one at least.

    Examples
    --------
    >>> plan_rounds(0.001, 15), plan_rounds(1.5, 15)
    ((15, 10), (1, 1))
    """
    repeats = max(1, math.ceil(ROUND_SECONDS / max(seconds, 1e-9)))
    affordable = int(budget / max(seconds * repeats, 1e-9))
    return min(rounds, max(1, affordable)), repeats


def takes_part(turn: int, rounds: int, own: int) -> bool:
    """Return whether an entry with ``own`` of ``rounds`` rounds takes part in this one, from 0.

    Its rounds are spread evenly, so that a machine that becomes slower on the way is slower
    for all.
    """
    return (turn + 1) * own // rounds > turn * own // rounds


def time_interleaved(
    steps: Mapping[Key, Callable[[], object]],
    rounds: int,
    budget: float = BUDGET_SECONDS,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[Key, float]:
    """Time several things in turn, round after round: milliseconds of a call, the median of rounds.

    Each is called a few times before anything counts: the first call may compile or allocate, the
    quickest of the next says how many calls make a round. (What takes more than a quarter of the
    budget at once is not called again.) A round of several calls begins with some that do not
    count: training repeats a step with its data in the cache, and here another step came before.
    The budget are the seconds that counted rounds of one entry may take; see :func:`plan_rounds`.
    """
    plans = {
        key: plan_rounds(_first_seconds(step, budget, clock), rounds, budget)
        for key, step in steps.items()
    }
    taken: dict[Key, list[float]] = {key: [] for key in steps}
    # The collector would look through every simulator's objects, at some entry's cost.
    with paused_collector():
        for turn in range(rounds):
            for key, step in steps.items():
                own, repeats = plans[key]
                if takes_part(turn, rounds, own):
                    for _ in range(repeats // _WARM_SHARE):
                        step()
                    taken[key].append(_seconds(step, repeats, clock))
    return {key: 1e3 * statistics.median(times) for key, times in taken.items()}


def _first_seconds(step: Callable[[], object], budget: float, clock: Callable[[], float]) -> float:
    """Seconds of a call: the quickest of a few, as long as they are quick."""
    first = _seconds(step, 1, clock)
    if first > budget / 4:
        return first
    quickest, spent = math.inf, 0.0  # the first call may have compiled or allocated
    for _ in range(_MOST_TRIALS):
        last = _seconds(step, 1, clock)
        quickest, spent = min(quickest, last), spent + last
        if spent > ROUND_SECONDS:
            break
    return quickest


def _seconds(step: Callable[[], object], repeats: int, clock: Callable[[], float]) -> float:
    begun = clock()
    for _ in range(repeats):
        step()
    return (clock() - begun) / repeats

"""Interleaved timing, under a clock that only the timed things move."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qdistill.cost.timing import ROUND_SECONDS, plan_rounds, takes_part, time_interleaved


class Clock:
    """Time that passes only while a step runs, by as much as the step says."""

    def __init__(self):
        self.now, self.calls = 0.0, []

    def __call__(self):
        return self.now

    def step(self, name, seconds):
        """A step that takes ``seconds``, or the next of them at each call."""
        given = iter(seconds) if isinstance(seconds, list) else None

        def run():
            self.calls.append(name)
            self.now += next(given) if given else seconds

        return run


def test_each_is_called_in_turn_round_after_round():
    clock = Clock()
    steps = {name: clock.step(name, 1.01 * ROUND_SECONDS) for name in "abc"}
    times = time_interleaved(steps, rounds=4, clock=clock)
    assert "".join(clock.calls) == "aabbcc" + 4 * "abc"  # tried, then in turn
    assert times == pytest.approx({name: 1010 * ROUND_SECONDS for name in "abc"})


def test_a_round_of_something_quick_is_long_enough_for_the_clock():
    clock = Clock()
    quick = ROUND_SECONDS / 7.5  # eight calls fill a round
    steps = {"quick": clock.step("q", quick), "slow": clock.step("s", 1.0)}
    times = time_interleaved(steps, rounds=2, clock=clock)
    tried = "".join(clock.calls).index("s")
    assert "".join(clock.calls) == tried * "q" + "s" + 2 * ((2 + 8) * "q" + "s")
    assert times == pytest.approx({"quick": 1e3 * quick, "slow": 1e3})


def test_the_first_call_does_not_count_and_one_slow_round_does_not_either():
    clock = Clock()
    step = clock.step("a", [0.4, 0.02, 0.02, 0.5, 0.02, 0.02, 0.03])  # one more is tried
    assert time_interleaved({"a": step}, rounds=5, clock=clock)["a"] == pytest.approx(20)
    assert len(clock.calls) == 7


def test_what_is_slow_takes_part_in_fewer_rounds_spread_over_all():
    clock = Clock()
    steps = {"quick": clock.step("q", 1.01 * ROUND_SECONDS), "slow": clock.step("S", 1.0)}
    time_interleaved(steps, rounds=9, budget=3.0, clock=clock)
    assert "".join(clock.calls[3:]) == "qqqSqqqSqqqS"


@pytest.mark.parametrize(("seconds", "calls"), [(60.0, 1 + 1), (0.8, 1 + 3)])
def test_what_is_slow_has_one_call_before_those_that_count(seconds, calls):
    clock = Clock()
    times = time_interleaved({"a": clock.step("a", seconds)}, rounds=9, budget=3.0, clock=clock)
    assert len(clock.calls) == calls and times == {"a": pytest.approx(1e3 * seconds)}


@given(st.floats(1e-7, 1e3), st.integers(1, 50), st.floats(0.1, 10.0))
def test_plans_keep_to_the_rounds_and_to_the_budget(seconds, rounds, budget):
    own, repeats = plan_rounds(seconds, rounds, budget)
    assert 1 <= own <= rounds
    assert repeats * seconds >= ROUND_SECONDS * (1 - 1e-9)
    assert own == 1 or own * repeats * seconds <= budget * (1 + 1e-9)
    assert sum(takes_part(turn, rounds, own) for turn in range(rounds)) == own


def test_an_unlucky_trial_does_not_decide_how_often_something_is_called():
    """A first call that compiles and a second that is slow leave the rounds as long."""
    clock = Clock()
    quick = ROUND_SECONDS / 100
    step = clock.step("q", [0.3, 0.9 * ROUND_SECONDS, *[quick] * 10_000])
    time_interleaved({"quick": step}, rounds=3, clock=clock)
    assert len(clock.calls) > 3 * (100 + 25)

"""How far a run is, by what its jobs were expected to take and have taken."""

from dataclasses import dataclass, field

from qdistill.study.duration import spoken

_TRUST = 0.1  # share of the run after which its own pace counts as much as what was expected
_ALMOST = 0.8  # of a job that runs longer than expected


@dataclass
class Progress:
    """The jobs of a run, weighed by their expected seconds on their cores."""

    seconds: float = 0.0  # expected of the whole run
    jobs: dict[int, tuple[float, int]] = field(default_factory=dict)  # seconds, cores
    began: float | None = None  # on the clock that callers read
    running: dict[int, tuple[str, float]] = field(default_factory=dict)  # message, begin
    finished: set[int] = field(default_factory=set)
    failed: set[int] = field(default_factory=set)

    def begin(self, seconds: float, jobs: dict[int, tuple[float, int]], now: float) -> None:
        """Take what is expected of the run and of each job."""
        self.seconds, self.jobs, self.began = seconds, jobs, now

    def start(self, job: int, message: str, now: float) -> None:
        """Note that a job runs."""
        self.running[job] = (message, now)

    def end(self, job: int, failed: bool = False) -> None:
        """Note that a job has ended."""
        self.running.pop(job, None)
        self.failed.discard(job)  # it may have been tried again
        (self.failed if failed else self.finished).add(job)

    def share(self, now: float) -> float:
        """Return the share of the run's work that is done, in [0, 1]."""
        done = sum(self._weight(job) for job in self.finished)
        for job, (_, begin) in self.running.items():
            expected = self.takes(job)
            part = min((now - begin) / expected, _ALMOST) if expected else 0.0
            done += part * self._weight(job)
        return done / (sum(map(self._weight, self.jobs)) or 1.0)

    def left(self, now: float) -> float:
        """Return the seconds that are left, at the pace of the run so far once it has one."""
        share, elapsed = self.share(now), self._elapsed(now)
        pace = (_TRUST * self.seconds + elapsed) / ((_TRUST + share) * self.seconds or 1.0)
        return (1 - share) * self.seconds * pace

    def line(self, now: float) -> str:
        """Say in a line how far the run is and what it does now."""
        messages = [message for message, _ in self.running.values()]
        more = f", and {len(messages) - 1} more" if len(messages) > 1 else ""
        does = messages[0] + more if messages else "planning the jobs"
        if self.began is None:  # or the Snakefile's hooks are off
            return does
        done = f"{len(self.finished)} of {len(self.jobs)} jobs"
        return f"{done}, about {spoken(self.left(now))} left; {does}"

    def ending(self, now: float) -> str:
        """Say in a line how the run ended."""
        done = f"{len(self.finished)} of {len(self.jobs)} jobs done in "
        done += spoken(self._elapsed(now))
        return done + "; the same command goes on from here" * bool(self.failed)

    def takes(self, job: int) -> float:
        """Return the seconds that a job is expected to take, 0 for a mere target."""
        return self.jobs.get(job, (0.0, 1))[0]

    def _elapsed(self, now: float) -> float:
        return 0.0 if self.began is None else now - self.began

    def _weight(self, job: int) -> float:
        return self.takes(job) * self.jobs.get(job, (0.0, 1))[1]

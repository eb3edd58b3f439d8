"""Snakemake's executor for Slurm, asking for the state of jobs at even intervals.

Snakemake finds this package by its name and uses it where a profile says ``executor:
qdistill-slurm``. The plugin that it is made from, whose settings it has as
``--qdistill-slurm-...``, waits ten seconds longer after each check at which no job had ended; so a
submission of a minute is noticed up to forty seconds late. Here ``--seconds-between-status-checks``
is what it says.
"""

from snakemake_executor_plugin_slurm import Executor as SlurmExecutor
from snakemake_executor_plugin_slurm import ExecutorSettings, common_settings

__all__ = ["Executor", "ExecutorSettings", "common_settings"]


class Executor(SlurmExecutor):  # type: ignore[misc]
    """The plugin's executor with an interval that stays."""

    @property
    def next_seconds_between_status_checks(self) -> float:
        """The interval that the user gave, in seconds."""
        return self.workflow.remote_execution_settings.seconds_between_status_checks

    @next_seconds_between_status_checks.setter
    def next_seconds_between_status_checks(self, value: float) -> None:
        """Pass over what the plugin would wait."""

"""Snakemake's executor for Slurm, for submissions of many short jobs."""

from __future__ import annotations

from typing import Any

from snakemake_executor_plugin_slurm import Executor as SlurmExecutor
from snakemake_executor_plugin_slurm import ExecutorSettings, common_settings
from snakemake_interface_common.exceptions import WorkflowError
from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo
from snakemake_interface_executor_plugins.utils import format_cli_arg, join_cli_args

__all__ = ["Executor", "ExecutorSettings", "common_settings"]


class Executor(SlurmExecutor):
    """Submit jobs to Slurm, to be run by the one Snakemake that each submission starts."""

    def __post_init__(self, test_mode: bool = False) -> None:
        """Refuse arrays, whose tasks the second Snakemake of Slurm's executor tells apart."""
        super().__post_init__(test_mode)
        if self.array_jobs:
            raise WorkflowError(
                "'qdistill-slurm-array-jobs': this executor has no arrays; jobs travel in groups, "
                "or take 'executor: slurm' and its settings"
            )

    def run_job(self, job: Any) -> None:
        """Submit a job; what goes wrong is its error, also if it is a group.

        Slurm's executor then asks a group for its rule, in a thread whose end nobody sees.
        """
        try:
            super().run_job(job)
        except Exception as error:
            cause = error.__context__ or error
            message = f"Could not be submitted to Slurm: {cause}"
            self._report_job_error_threadsafe(SubmittedJobInfo(job), message)

    def print_job_error(self, job_info: Any, msg: str | None = None, **kwargs: Any) -> None:
        """Tell why a job has failed, also of a group, for which Snakemake drops the reason."""
        if msg and job_info.job.is_group():
            self.logger.error(msg.partition("\n    sbatch call:")[0])
        super().print_job_error(job_info, msg=msg, **kwargs)

    def get_job_args(self, job: Any) -> str:
        """Return the arguments of the Snakemake on the node, which may use the cores asked for."""
        return join_cli_args([super().get_job_args(job), format_cli_arg("--cores", job.threads)])

    def additional_general_args(self) -> str:
        """Return no further ones.

        Slurm's executor has a second Snakemake started by ``srun`` there: one for each part of a
        group that a profile put together, one after the other. That takes as long as many of our
        jobs and is of use to those of MPI and to arrays.
        """
        return ""

    @property
    def next_seconds_between_status_checks(self) -> float:
        """Return what the user has set, after each check.

        Slurm's executor waits ten seconds longer after each at which nothing had ended.
        """
        return self.workflow.remote_execution_settings.seconds_between_status_checks

    @next_seconds_between_status_checks.setter
    def next_seconds_between_status_checks(self, seconds: float) -> None:
        pass

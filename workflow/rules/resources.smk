# What a job asks of the machine that it runs on, and with which others it travels.
def memory(wildcards, rulename, attempt):
    """Memory of a job in MB; a job that was killed gets more."""
    beside = 0 if workflow.local_exec else BESIDE
    return attempt * (beside + rule_megabytes(STUDY, rulename, dict(wildcards.items())))


def minutes(wildcards, rulename, attempt):
    """The longest that a job may take; a job that was ended gets twice as long."""
    params = {
        name: value(wildcards) if callable(value) else value
        for name, value in workflow.get_rule(rulename).params.items()
    }
    return 2 ** (attempt - 1) * job_minutes(
        STUDY, Job(rulename, dict(wildcards.items()), params)
    )


# What every job asks of a cluster, and of this machine where `--resources mem_mb` sets a limit.
NEEDED = {"mem_mb": memory, "runtime": minutes}


# On a cluster, jobs of a group travel in one submission (docs/cluster.md): a short study as a whole. Of
# others, a data set with its subsets and references; a teacher with its students, to which a profile
# adds other models; and what leads from all of them to the verdict.
SHORT = is_short(STUDY)


def group_of(jobs):
    """The group that jobs travel in."""
    return "study" if SHORT else jobs


TRAINING_GROUP = group_of("train~{dataset}~{protocol}~{block}")
REPORT_GROUP = group_of("report")


def DATA_GROUP(wildcards):
    """The group of what makes a data set, its subsets and references."""
    folder = wildcards.get("data") or STUDY.folders[wildcards.dataset]
    return group_of(f"data~{folder}")


# One line before the first job. What a run shows beside it is in the profile's `logger`. Jobs on this
# machine are forked from one process that has their libraries loaded.
onstart:
    announce(STUDY, workflow, logger)
    if workflow.local_exec:
        start_server()


# So are those of a group, on a node of a cluster.
if workflow.remote_exec and is_group(sys.argv):
    start_server()

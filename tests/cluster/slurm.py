"""A real Slurm of one node on this machine: munge, slurmctld and slurmd of Debian's packages.

For tests, and to try a profile by hand::

    python tests/cluster/slurm.py start      # as root; prints where its logs are
    snakemake --profile profiles/slurm ...
    python tests/cluster/slurm.py stop
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

# Not of our choice: Snakemake's plugin drops SLURM_CONF before `srun`.
CONFIGURATION = Path("/etc/slurm/slurm.conf")
STATE = Path("/var/tmp/qdistill-slurm")
OURS = "# Written by tests/cluster/slurm.py of qdistill, for its tests alone.\n"
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol")

TEMPLATE = """\
ClusterName=qdistill
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
SlurmUser=root
AuthType=auth/munge
StateSaveLocation={state}/controller
SlurmdSpoolDir={state}/node
SlurmctldPidFile={state}/slurmctld.pid
SlurmdPidFile={state}/slurmd.pid
SlurmctldLogFile={state}/slurmctld.log
SlurmdLogFile={state}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/affinity
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
KillWait=2
MpiDefault=none
ReturnToService=2
SchedulerParameters=sched_interval=5,batch_sched_delay=1
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def why_not():
    """Tell in a sentence why no Slurm can be started here, or nothing."""
    missing = [name for name in PROGRAMS if _program(name) is None]
    if missing:
        return f"not installed: {', '.join(missing)}, of slurmctld, slurmd, slurm-client and munge"
    if os.geteuid() != 0:
        return "Slurm's daemons are started by root alone"
    if CONFIGURATION.exists() and not CONFIGURATION.read_text().startswith(OURS):
        return f"{CONFIGURATION} is that of a cluster, which is left alone"
    return ""


def start():
    """Start the three daemons and wait until the node is idle."""
    stop()
    host = socket.gethostname().partition(".")[0]
    for folder in (CONFIGURATION.parent, STATE / "controller", STATE / "node"):
        folder.mkdir(parents=True, exist_ok=True)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20 - 512
    controller, node = _free_ports()
    CONFIGURATION.write_text(
        OURS
        + TEMPLATE.format(
            host=host,
            controller=controller,
            node=node,
            state=STATE,
            cpus=os.cpu_count(),
            memory=memory,
        )
    )
    _start_munge()
    for name in ("slurmctld", "slurmd"):
        _call(_program(name))
    _wait_until(lambda: "idle" in _call("sinfo", "--noheader", "--format=%t"), "an idle node")


def stop():
    """End what :func:`start` began, jobs included, and remove what it wrote."""
    if not (CONFIGURATION.exists() and CONFIGURATION.read_text().startswith(OURS)):
        return
    with contextlib.suppress(subprocess.SubprocessError):
        _call("scancel", "--signal=KILL", "--full", "--me", timeout=10)
        _call("scancel", "--me", timeout=10)
    for name in ("slurmd", "slurmctld", "munged"):
        _end(STATE / f"{name}.pid")
    CONFIGURATION.unlink()
    shutil.rmtree(STATE, ignore_errors=True)


def _start_munge():
    """Start munged with a key of its own, unless there is one."""
    if subprocess.run(["munge", "-n"], capture_output=True).returncode == 0:
        return
    key, socket_folder = Path("/etc/munge/munge.key"), Path("/run/munge")
    socket_folder.mkdir(mode=0o755, exist_ok=True)
    if not key.exists():
        key.parent.mkdir(parents=True, exist_ok=True)
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        shutil.chown(key, "munge", "munge")
    for folder in (socket_folder, key.parent, Path("/var/log/munge"), Path("/var/lib/munge")):
        folder.mkdir(parents=True, exist_ok=True)
        shutil.chown(folder, "munge", "munge")
    (STATE / "munge").mkdir(exist_ok=True)
    shutil.chown(STATE / "munge", "munge", "munge")
    pid = STATE / "munge" / "munged.pid"
    _call("runuser", "-u", "munge", "--", _program("munged"), f"--pid-file={pid}")
    (STATE / "munged.pid").symlink_to(pid)
    _wait_until(
        lambda: subprocess.run(["munge", "-n"], capture_output=True).returncode == 0, "munge"
    )


def _program(name):
    return shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin")))


def _call(*command, timeout=60):
    ended = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    if ended.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {ended.stderr.strip()}")
    return ended.stdout


def _free_ports():
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", 0))
        second.bind(("127.0.0.1", 0))
        return first.getsockname()[1], second.getsockname()[1]


def _end(pid_file):
    with contextlib.suppress(OSError, ValueError):
        pid = int(pid_file.read_text())
        os.kill(pid, signal.SIGTERM)
        _wait_until(lambda: not Path(f"/proc/{pid}").exists(), f"the end of {pid_file.stem}")


def _wait_until(condition, what, seconds=30):
    for _ in range(seconds * 5):
        with contextlib.suppress(RuntimeError):
            if condition():
                return
        time.sleep(0.2)
    raise RuntimeError(f"{what} did not come within {seconds} s; see {STATE}")


if __name__ == "__main__":
    reason = why_not()
    if reason or sys.argv[1:] not in (["start"], ["stop"]):
        sys.exit(reason or "usage: slurm.py start|stop")
    {"start": start, "stop": stop}[sys.argv[1]]()

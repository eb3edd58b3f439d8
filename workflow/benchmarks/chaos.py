"""Kill a study and its jobs at random moments, fill its disk, and compare what comes out.

An undisturbed run comes first. Then the same study is started again and again in a folder of its
own; after a random while one job, Snakemake alone or all processes are killed (SIGKILL), and now
and then the times of all files move by up to an hour, as with a clock that jumps. Studies are begun
anew until there were enough kills. Then the disk that a study writes to is full, again and again: a
tmpfs that grows by a random step after each failure. Each study that ends must have the tables of
the undisturbed run, no other file, and the digests of its provenance.

    python workflow/benchmarks/chaos.py --kills 200 --disks 20
"""

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT / "workflow")]

from compare_results import Difference, compare_folders  # noqa: E402

from qdistill.provenance.verification import verify_study  # noqa: E402

WRITTEN = ("data", "results", "reports")
# Whose content is not the same in two runs: the index, and what is kept beside outputs.
_UNCOMPARED = ("mlflow.db", "mlflow-artifacts", "embeddings", "checkpoints")
_LONGEST = 3600.0  # seconds of a run that nothing disturbs


class Study:
    """A study in a folder of its own."""

    def __init__(self, folder: Path, configfiles: list[str], cores: int) -> None:
        self.folder, self.configfiles, self.cores = folder, configfiles, cores
        for name in ("config", "workflow", "profiles", "envs"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        shutil.copy(ROOT / "Snakefile", folder)

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start Snakemake as the leader of a session, so that all of it can be killed at once."""
        command = [sys.executable, "-m", "snakemake", "--cores", str(self.cores), *arguments]
        with (self.folder / "output.txt").open("ab") as output:
            return subprocess.Popen(
                [*command, "--configfile", *self.configfiles],
                cwd=self.folder,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env={k: v for k, v in os.environ.items() if "MLFLOW" not in k},
            )

    def run(self, *arguments: str) -> int:
        """Run Snakemake to its end: its exit status."""
        return self.start(*arguments).wait(_LONGEST)

    def fail(self) -> SystemExit:
        """Return what ends this program with what Snakemake said last."""
        return SystemExit((self.folder / "output.txt").read_text()[-3000:] + "\nit does not end")

    def unlock(self) -> None:
        """Remove the lock that a killed Snakemake leaves."""
        if self.run("--unlock") != 0:
            raise self.fail()

    def results(self) -> Path:
        """Return the folder of the study's results."""
        return next(path.parent for path in self.folder.glob("results/*/metrics.parquet"))

    def files(self) -> set[str]:
        """Return the paths of all that was written, but logs."""
        found = (path for top in WRITTEN for path in (self.folder / top).rglob("*"))
        paths = (path.relative_to(self.folder) for path in found if path.is_file())
        return {str(path) for path in paths if not set(path.parts) & set(_UNCOMPARED)}

    def clear(self) -> None:
        """Delete what was written."""
        for name in (*WRITTEN, "logs", ".snakemake"):
            shutil.rmtree(self.folder / name, ignore_errors=True)


def kill(process: subprocess.Popen[bytes], chance: random.Random) -> str:
    """Kill a job, Snakemake alone, or everything: which of them, or nothing if it had ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        others = psutil.Process(process.pid).children(recursive=True)
        what = chance.choice(["job", "Snakemake", "all"])
        if what == "job" and others:
            chance.choice(others).kill()
            _end(process)
        elif what == "Snakemake":
            process.kill()
        else:
            what = "all"
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        _, alive = psutil.wait_procs(others, timeout=120)  # jobs that are left end by themselves
        for each in alive:
            each.kill()
        return what
    return ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """Wait for a run of which a job was killed: it must end by itself."""
    try:
        process.wait(_LONGEST)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise SystemExit("Snakemake waits for a job that was killed") from None


def move_clock(study: Study, chance: random.Random) -> None:
    """Move the times of all written files as if the clock had been put forward or back."""
    jump = chance.uniform(-3600, 3600)
    for path in (path for top in WRITTEN for path in (study.folder / top).rglob("*")):
        times = path.stat()
        os.utime(path, (times.st_atime + jump, times.st_mtime + jump))


def disturb(study: Study, kills: int, chance: random.Random, longest: float) -> Counter[str]:
    """Run a study with so many kills at most, up to ``longest`` seconds after each start."""
    done: Counter[str] = Counter()
    while True:
        process = study.start()
        with contextlib.suppress(subprocess.TimeoutExpired):
            wait = chance.uniform(0.5, longest) if done.total() < kills else _LONGEST
            if process.wait(wait) == 0:
                return done
            if done.total() >= kills:
                raise study.fail()
        what = kill(process, chance)
        if what:
            done[what] += 1
        if chance.random() < 0.1:
            move_clock(study, chance)
            done["clock moved"] += 1
            kills += 1  # which is no kill
        study.unlock()


def fill_disks(study: Study, disks: int, chance: random.Random, whole: int) -> int:
    """Run a study on too small a disk, and grow it after each failure: how many there were."""
    full, size = 0, chance.randrange(whole // 20, whole // 2)
    mounted = []
    try:
        for name in WRITTEN[:2]:
            (study.folder / name).mkdir(parents=True, exist_ok=True)
            _call("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", study.folder / name)
            mounted.append(study.folder / name)
        while study.run() != 0:
            full += 1
            if partial := [path for path in study.files() if ".partial" in path]:
                raise SystemExit(f"left on a full disk: {partial}")
            size = 4 * whole if full >= disks else size + chance.randrange(1, whole // 4)
            for folder in mounted:
                _call("mount", "-o", f"remount,size={size}", folder)
            if full > disks + 3:
                raise study.fail()
        for folder in mounted:
            shutil.copytree(folder, folder.with_name(f"{folder.name}.kept"))
    finally:
        for folder in mounted:
            _call("umount", folder)
            with contextlib.suppress(OSError):
                folder.rmdir()
                folder.with_name(f"{folder.name}.kept").rename(folder)
    return full


def _call(*command: str | Path) -> None:
    subprocess.run([str(part) for part in command], check=True, capture_output=True)


def differences(study: Study, undisturbed: Study, tolerance: float) -> list[str]:
    """Say what differs between a study and the undisturbed run: tables, files, digests."""
    found = [f"{path}: in one only" for path in sorted(study.files() ^ undisturbed.files())]
    tables = compare_folders(undisturbed.results(), study.results(), {})
    for name, table in tables.items():
        if not isinstance(table, Difference) or table.exceeds(tolerance):
            found.append(f"{name}: {table}")
    return found + verify_study(study.results()).differences


def main(arguments: list[str] | None = None) -> int:
    """Print what was done to each study and what differs in the end; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument(
        "--disks", type=int, default=0, help="full disks; root alone can mount them"
    )
    parser.add_argument("--configfile", nargs="+", default=["config/studies/smoke.yaml"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--longest", type=float, default=25.0, help="seconds from start to kill")
    parser.add_argument("--tolerance", type=float, default=1e-5)
    given = parser.parse_args(arguments)
    files = [str(Path(path).resolve()) for path in given.configfile]
    chance, failed = random.Random(given.seed), False
    with tempfile.TemporaryDirectory(prefix="qdistill-chaos-") as temporary:
        calm = Study(Path(temporary, "calm"), files, given.cores)
        began = time.monotonic()
        if calm.run() != 0:
            print((calm.folder / "output.txt").read_text())
            return 1
        print(f"undisturbed: {time.monotonic() - began:.0f} s, {len(calm.files())} files")
        whole = sum((calm.folder / path).stat().st_size for path in calm.files())
        kills, disks, number = given.kills, given.disks, 0
        while kills > 0 or disks > 0:
            number += 1
            study = Study(Path(temporary, f"study-{number}"), files, given.cores)
            if kills > 0:
                done = disturb(study, kills, chance, given.longest)
                kills -= done.total() - done["clock moved"]
                told = ", ".join(f"{what} {times}" for what, times in sorted(done.items()))
            else:
                full = fill_disks(study, disks, chance, whole)
                disks -= full
                told = f"full disks {full}"
            wrong = differences(study, calm, given.tolerance)
            failed |= bool(wrong)
            print(f"study {number}: {told}; {'; '.join(wrong) or 'nothing differs'}", flush=True)
            shutil.rmtree(study.folder)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

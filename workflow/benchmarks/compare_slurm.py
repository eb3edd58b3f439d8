"""Time a study on this machine with and without Slurm, and compare their tables.

As root, on Debian with `make servers` and `make cluster`: a Slurm of one node is started, which has
the cores of this machine. Both are run in turn, each in a folder of its own.

    python workflow/benchmarks/compare_slurm.py --rounds 3
"""

import argparse
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT / "tests/cluster")]

import slurm  # noqa: E402
from chaos import Study, differences  # noqa: E402

PROFILES = {"alone": [], "Slurm": ["--workflow-profile", "profiles/slurm"]}


def time_run(study: Study, arguments: list[str]) -> float:
    """Run a study in its new folder: its seconds."""
    begun = time.perf_counter()
    if study.run(*arguments):
        raise study.fail()
    return time.perf_counter() - begun


def main() -> None:
    """Print seconds of each run, the ratio of medians, what differs, and versions."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--configfile", default="config/studies/smoke.yaml")
    parser.add_argument("--cores", type=int, default=2)
    given = parser.parse_args()
    if reason := slurm.why_not():
        sys.exit(reason)
    slurm.start()
    try:
        said = subprocess.run(["sbatch", "--version"], capture_output=True, text=True, check=True)
        with tempfile.TemporaryDirectory(prefix="qdistill-slurm-") as top:
            times: dict[str, list[float]] = {name: [] for name in PROFILES}
            for place in range(given.rounds):
                studies = {}
                for name, arguments in PROFILES.items():
                    folder = Path(top, f"{name}-{place}")
                    studies[name] = Study(folder, [given.configfile], given.cores)
                    times[name].append(time_run(studies[name], arguments))
                    print(f"{name}: {times[name][-1]:.1f} s", flush=True)
                for found in differences(studies["Slurm"], studies["alone"], 1e-5):
                    print(f"differs: {found}")
            ratio = median(times["Slurm"]) / median(times["alone"])
            print(f"ratio of medians {ratio:.2f}")
    finally:
        slurm.stop()
    plugin = version("snakemake-executor-plugin-slurm")
    print(f"Snakemake {version('snakemake')}, its plugin for Slurm {plugin}, {said.stdout.strip()}")


if __name__ == "__main__":
    main()

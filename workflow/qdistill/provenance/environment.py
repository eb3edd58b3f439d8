"""What a study ran in: versions of packages, the platform, the commit of its clone."""

import os
import platform
import subprocess
from pathlib import Path

from qdistill.storage.files import version_of

# What numbers and figures rest on, the largest first.
_PACKAGES = (
    *("torch", "numba", "numpy", "scipy", "pandas", "pyarrow", "scikit-learn", "statsmodels"),
    *("pennylane", "transformers", "sentence-transformers", "peft", "safetensors", "onnx"),
    *("matplotlib", "mlflow", "snakemake", "tabpfn", "setfit"),
)


def read_versions() -> dict[str, str]:
    """Read the versions of Python and of the packages that are installed, by name."""
    found = {name: version_of(name) for name in _PACKAGES}
    installed = {name: version for name, version in found.items() if version != "not installed"}
    return {"Python": platform.python_version(), **installed}


def describe_platform() -> str:
    """Describe the operating system and the processor's kind, and nothing of whose they are."""
    return f"{platform.system()} {platform.release()}, {platform.machine()}"


def read_commit(clone: Path) -> str:
    """Read the commit of a clone, and whether what runs was changed since; "" if unknown."""
    # What a user's shell says of another repository is none of ours.
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}

    def ask(*command: str) -> str:
        try:
            ended = subprocess.run(
                ["git", "-C", str(clone), *command],
                capture_output=True,
                text=True,
                timeout=30,
                env=own,
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return ended.stdout.strip() if not ended.returncode else ""

    top = ask("rev-parse", "--show-toplevel")
    if not top or Path(top).resolve() != clone.resolve():
        return ""
    changed = ask("status", "--porcelain", "--", "Snakefile", "workflow")
    return ask("rev-parse", "HEAD") + ", changed since" * bool(changed)

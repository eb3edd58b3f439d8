"""Where the workflow lies that this library belongs to: a clone, or what a wheel has brought."""

from pathlib import Path

_LIBRARY = Path(__file__).resolve().parent
_IN_WHEEL = _LIBRARY.with_name("qdistill_workflow")  # made by setup.py
ROOT = _IN_WHEEL if _IN_WHEEL.is_dir() else _LIBRARY.parents[1]
WORKFLOW = ROOT / "workflow"
SNAKEFILE = ROOT / "Snakefile"

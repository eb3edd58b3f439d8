"""The workflow's own files travel in a wheel, too: beside the library, in `qdistill_workflow`.

What is not said here is in pyproject.toml. `qdistill.places` finds the files again.
"""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT, PACKAGE = Path(__file__).parent, "qdistill_workflow"
# Where they lie in the clone, and so in the package, since rules name each other by relative paths.
WORKFLOW = (
    "Snakefile",
    "config/config.yaml",
    "config/studies/*.yaml",
    "envs/*.yaml",
    "profiles/default/*.yaml",
    *("workflow/report/**/*.*", "workflow/resources/*.*", "workflow/rules/*.smk"),
    *("workflow/schemas/*.json", "workflow/scripts/*.py"),
)


class BuildWithWorkflow(build_py):
    """Copies the workflow beside the packages; where a clone is installed, it is there already."""

    def run(self):
        """Build the packages and copy the workflow's files."""
        super().run()
        for source, target in self._copies():
            self.mkpath(str(Path(target).parent))
            self.copy_file(source, target)

    def _copies(self):
        found = sorted({path for pattern in WORKFLOW for path in ROOT.glob(pattern)})
        names = [] if self.editable_mode else [str(path.relative_to(ROOT)) for path in found]
        return [(name, str(Path(self.build_lib, PACKAGE, name))) for name in names]

    def get_source_files(self):
        """List what a source distribution must hold."""
        return [*super().get_source_files(), *(source for source, _ in self._copies())]

    def get_outputs(self, include_bytecode=True):
        """List what is built."""
        own = [target for _, target in self._copies()]
        return [*super().get_outputs(include_bytecode), *own]


setup(cmdclass={"build_py": BuildWithWorkflow})

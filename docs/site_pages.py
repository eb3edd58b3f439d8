"""Pages of the site that are made while `make docs` builds it: see mkdocs.yml."""

import ast
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
LIBRARY = ROOT / "workflow" / "qdistill"
# Documents that people look for where they are, outside docs/.
ELSEWHERE = {
    "index.md": "README.md",
    "configuration.md": "config/README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
}
ROLE = re.compile(r":(?:class|func|meth|mod|data|attr):<code>(~?)([\w.]+)</code>")


def on_config(config: MkDocsConfig) -> None:
    """Add the packages of the library to the navigation."""
    config.nav.append({"Library": [f"library/{name}.md" for name in list_packages()]})


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Add the documents of other folders, and a page for each package of the library."""
    for page, source in ELSEWHERE.items():
        text = (ROOT / source).read_text(encoding="utf-8").replace("](docs/", "](")
        files.append(File.generated(config, page, content=text))
    for name, modules in list_packages().items():
        page = f"library/{name}.md"
        files.append(File.generated(config, page, content=describe_package(name, modules)))


def on_page_content(html: str, **_: object) -> str:
    """Link the roles of docstrings, :class:`~qdistill.errors.QdistillError` and the like."""
    return ROLE.sub(link_role, html)


def link_role(role: re.Match) -> str:
    """Return a link to what a role names; ``~`` shows its last part alone."""
    short, name = role.groups()
    shown = name.rpartition(".")[2] if short else name
    return f'<autoref identifier="{name}" optional><code>{shown}</code></autoref>'


def list_packages() -> dict[str, list[str]]:
    """List the modules of each package; those outside any are the package ``qdistill``."""
    packages: dict[str, list[str]] = {"qdistill": []}
    for path in sorted(LIBRARY.rglob("*.py")):
        module = ".".join(path.relative_to(LIBRARY.parent).with_suffix("").parts)
        if path.stem != "__init__" and path.stem != "__main__":
            package = module.split(".")[1] if module.count(".") > 1 else "qdistill"
            packages.setdefault(package, []).append(module)
    return packages


def describe_package(name: str, modules: list[str]) -> str:
    """Return a package's page: its sentence, then each module's docstrings."""
    folder = LIBRARY if name == "qdistill" else LIBRARY / name
    sentence = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")))
    return "\n\n".join([f"# {name}", sentence or "", *(f"::: {module}" for module in modules)])

"""Knowledge flows downwards only: which package may import which."""

import ast
from pathlib import Path

import kseg

LAYERS = [
    {"platform"},
    {"version", "errors", "critical_section", "files", "markdown", "progress"},
    {"isa"},
    {"memory"},
    {"engine"},
    {"analysis"},
    {"boards", "devices", "file_systems", "machine"},
    {"monitor"},
    {"symbols"},
    {"unwind"},
    {"history", "kernels", "profile"},
    {"gdb"},
    {"api"},
    {"bench", "compare", "exploration"},
    {"cli"},
    {"__main__", "__init__"},
]
"""From the bottom. A package may import its own layer and those below."""

LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
PACKAGE = Path(kseg.__file__).parent


def imported_packages(path: Path) -> set[str]:
    """The packages of kseg that a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("kseg.")}
    return found


def test_every_package_has_a_layer() -> None:
    names = {path.stem for path in PACKAGE.iterdir() if path.suffix in {"", ".py"}}
    assert names - {"__pycache__", "images", "py"} - LEVEL.keys() == set()


def test_imports_point_downwards() -> None:
    upwards = []
    for path in PACKAGE.rglob("*.py"):
        relative = path.relative_to(PACKAGE)
        importer = relative.parts[0].removesuffix(".py")
        upwards += [
            f"{relative} imports {imported}"
            for imported in imported_packages(path)
            if LEVEL.get(imported, 0) > LEVEL[importer]
            # `from kseg import Machine` fetches the API when it is asked for.
            and importer != "__init__"
        ]
    assert upwards == []

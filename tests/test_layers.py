"""Knowledge flows downwards only: which package may import which."""

import ast
import functools
import graphlib
from collections.abc import Iterator
from pathlib import Path

import kseg

LAYERS = [
    {"version", "errors"},
    {"platform"},
    {"critical_section", "markdown", "progress"},
    {"isa"},
    {"checks"},
    {"memory"},
    {"engine"},
    {"analysis"},
    {"machine"},
    {"devices", "file_systems"},
    {"monitor"},
    {"symbols"},
    {"inspection"},
    {"unwind"},
    {"history", "kernels", "profile"},
    {"boards"},
    {"api"},
    {"bench", "compare", "exploration", "gdb", "ready_made"},
    {"cli"},
    {"__main__", "__init__"},
]
"""From the bottom. A package may import its own layer and those below."""
FOR_TYPES = {("machine", "devices")}
"""What else may be imported where only types are checked."""

HOST_MODULES = set(
    "fcntl grp mmap multiprocessing platform posix pty pwd resource select selectors signal"
    " subprocess termios tty".split()
)
"""Modules of Python's that not every host has, or that behave differently there."""

HOST_NAMES = {
    "os": set(
        "O_CLOEXEC O_DIRECTORY O_NOFOLLOW O_NONBLOCK O_TMPFILE SEEK_DATA SEEK_HOLE chown fchmod"
        " fchown fork getegid geteuid getgid getloadavg getpgrp getuid kill killpg memfd_create"
        " name openpty posix_fallocate sched_getaffinity set_blocking setsid statvfs tcgetpgrp"
        " umask uname wait4 waitpid".split()
    ),
    "sys": {"platform"},
    "time": {"thread_time", "thread_time_ns"},
    "socket": {"AF_UNIX"},
    "stat": {"S_IWGRP", "S_IWOTH"},
}
"""Names in other modules that only `kseg.platform` uses, for the same reason."""

LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
PACKAGE = Path(kseg.__file__).parent


@functools.cache
def nodes(path: Path) -> list[ast.AST]:
    """All of a file's syntax."""
    return list(ast.walk(ast.parse(path.read_text())))


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """The modules of kseg that a file imports, wherever in the file, and whether for types only."""
    for_types = {
        node
        for block in nodes(path)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    for node in nodes(path):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            if name.startswith("kseg."):
                yield name, node in for_types


def host_dependent(path: Path) -> set[str]:
    """What a file uses that depends on the host."""
    found = set()
    for node in nodes(path):
        if isinstance(node, ast.ImportFrom) and not node.level:
            module = (node.module or "").split(".")[0]
            names = HOST_NAMES.get(module, set()) & {alias.name for alias in node.names}
            found |= {module} & HOST_MODULES | {f"{module}.{name}" for name in names}
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names} & HOST_MODULES
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.attr in HOST_NAMES.get(node.value.id, ()):
                found.add(f"{node.value.id}.{node.attr}")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= {"/proc"} if node.value.startswith("/proc/") else set()
    return found


def test_only_the_platform_knows_the_host() -> None:
    elsewhere = {
        str(path.relative_to(PACKAGE)): found
        for path in PACKAGE.rglob("*.py")
        if path.relative_to(PACKAGE).parts[0] != "platform" and (found := host_dependent(path))
    }
    assert elsewhere == {}


def test_every_package_has_a_layer() -> None:
    names = {path.stem for path in PACKAGE.iterdir() if path.suffix in {"", ".py"}}
    assert names - {"__pycache__", "images", "py"} - LEVEL.keys() == set()


def test_imports_point_downwards() -> None:
    upwards = []
    for path in PACKAGE.rglob("*.py"):
        relative = path.relative_to(PACKAGE)
        importer = relative.parts[0].removesuffix(".py")
        upwards += [
            f"{relative} imports {module}"
            for module, for_types in imports(path)
            if LEVEL.get(imported := module.split(".")[1], 0) > LEVEL[importer]
            and not (for_types and (importer, imported) in FOR_TYPES)
            # `from kseg import Machine` fetches the API when it is asked for.
            and importer != "__init__"
        ]
    assert upwards == []


def test_a_board_is_known_to_the_registry_and_to_its_own_commands() -> None:
    """Everything else asks `kseg.boards` by name, and knows `Board`."""
    wrong = []
    for path in PACKAGE.rglob("*.py"):
        relative = path.relative_to(PACKAGE)
        room = "/".join(relative.parts[:2])
        for board in (each.name for each in (PACKAGE / "boards").iterdir() if each.is_dir()):
            wrong += [
                f"{relative} imports {module}"
                for module, _ in imports(path)
                if module.startswith(f"kseg.boards.{board}")
                and room not in (f"boards/{board}", f"cli/{board}")
            ]
    assert wrong == []


def module_of(path: Path) -> str:
    """What a file is imported as."""
    return ".".join(("kseg", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(
        ".__init__"
    )


def test_no_circles() -> None:
    """Modules that import each other, wherever in the file, do so for types only. A package's note
    counts as the package."""
    files = {module_of(path): path for path in PACKAGE.rglob("*.py")}
    known: dict[str, set[str]] = {}
    for module, path in files.items():
        targets = {name for name, for_types in imports(path) if not for_types}
        known[module] = {
            target
            for name in targets
            # `kseg.a.b.Name` is the module `kseg.a.b`, or the module of that name.
            if (target := name if name in files else name.rpartition(".")[0]) in files
        } - {module, "kseg"}
    try:
        list(graphlib.TopologicalSorter(known).static_order())
    except graphlib.CycleError as error:
        raise AssertionError(" -> ".join(error.args[1])) from None

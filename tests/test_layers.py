"""Knowledge flows downwards only: which package may import which."""

import ast
import functools
from pathlib import Path

import kseg

LAYERS = [
    {"version", "errors"},
    {"platform"},
    {"critical_section", "markdown", "progress"},
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


def imported_packages(path: Path) -> set[str]:
    """The packages of kseg that a file imports, wherever in the file."""
    found = set()
    for node in nodes(path):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("kseg.")}
    return found


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
            f"{relative} imports {imported}"
            for imported in imported_packages(path)
            if LEVEL.get(imported, 0) > LEVEL[importer]
            # `from kseg import Machine` fetches the API when it is asked for.
            and importer != "__init__"
        ]
    assert upwards == []

"""The build hook of wheels: has the machine code made that comes with them (`kseg.ready_made`).

An editable installation gets none, for its sources change; kseg compiles what it needs there, and
keeps it in the user's cache. So it does with a wheel that is built where LLVM cannot be had.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_BEGIN = "import sys; sys.path.insert(0, sys.argv[1]); from kseg import ready_made; "
_LIST = "print(*(' '.join(each) for each in ready_made.wanted()), sep='\\n')"
_IDENTITY = "from pathlib import Path; ready_made.write_identity(Path(sys.argv[2]))"
_WRITE = "from pathlib import Path; ready_made.write(Path(sys.argv[2]), *sys.argv[3:])"


class ReadyMadeCode(BuildHookInterface[Any]):
    """Hatchling calls it before and after it builds a wheel."""

    PLUGIN_NAME = "custom"
    _folder = ""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        self._folder = tempfile.mkdtemp(prefix="kseg-ready-made-")
        try:
            self._make()
        except subprocess.CalledProcessError as error:
            last = error.stderr.strip().rpartition("\n")[2]
            self.app.display_warning(
                f"kseg is built without ready-made machine code, and will compile it when it is"
                f" first used: {last}"
            )
            return
        for path in Path(self._folder).rglob("*"):
            if path.is_file():
                place = path.relative_to(self._folder).as_posix()
                build_data["force_include"][str(path)] = f"kseg/ready_made/{place}"

    def finalize(self, *_about: object) -> None:
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _make(self) -> None:
        """All of it, on all processors: each piece has a process, for LLVM has but one thread."""
        jobs = [line.split() for line in self._python(_LIST).splitlines()]
        with ThreadPoolExecutor(os.cpu_count()) as executor:
            for _ in executor.map(lambda job: self._python(_WRITE, self._folder, *job), jobs):
                pass
        self._python(_IDENTITY, self._folder)

    def _python(self, program: str, *arguments: str) -> str:
        """What a program prints that has this very kseg; CalledProcessError when it fails."""
        command = [sys.executable, "-c", _BEGIN + program, str(Path(self.root) / "src"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

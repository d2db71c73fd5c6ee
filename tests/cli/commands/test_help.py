"""`kseg help`, the manual page, `kseg guests`."""

import shutil
import subprocess

import pytest

from kseg.api.guests import BUNDLED
from kseg.version import __version__
from tests.cli.command import forked
from tests.cli.command_tree import ALL
from tests.documents import DOCUMENTS


@pytest.mark.parametrize("path", [(), *ALL], ids=" ".join)
def test_help_says_what_the_option_says(path):
    said = forked(*path, "--help")
    assert said.returncode == 0
    assert forked("help", *path).stdout == said.stdout
    assert forked(*path, "-h").stdout == said.stdout


def test_groups_too():
    for path in (("disk",), ("snapshot",), ("cache",)):
        assert forked("help", *path).stdout == forked(*path, "--help").stdout


@pytest.mark.parametrize("path", ["fly", "disk fly", "run fly"])
def test_help_of_nothing(path):
    result = forked("help", *path.split())
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert "No such command 'fly'" in result.stderr


def test_version():
    assert forked("-V").stdout == forked("--version").stdout == f"kseg {__version__}\n"


def test_the_manual_page_is_up_to_date():
    page = forked("help", "--man")
    assert page.returncode == 0
    there = (DOCUMENTS / "kseg.1").read_text(encoding="utf-8")
    assert there == page.stdout, "run: kseg help --man > docs/kseg.1"


def test_the_manual_page_has_every_command():
    page = (DOCUMENTS / "kseg.1").read_text(encoding="utf-8")
    for path in ALL:
        assert f'.SS "kseg {" ".join(path)}' in page


@pytest.mark.skipif(shutil.which("groff") is None, reason="there is no groff")
def test_the_manual_page_is_sound():
    result = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", DOCUMENTS / "kseg.1"], capture_output=True, check=True
    )
    assert result.stderr == b""
    assert len(result.stdout) > 10_000


def test_guests():
    result = forked("guests")
    assert result.returncode == 0
    for name, guest in BUNDLED.items():
        assert f"{name}: {guest.summary}\n    {guest.start}\n" in result.stdout


@pytest.mark.parametrize("name", BUNDLED)
def test_guests_start_as_it_says(name):
    words = BUNDLED[name].start.split()
    result = forked(*words[1:], "halt")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(f"{name.partition('-')[0]} 1.0")

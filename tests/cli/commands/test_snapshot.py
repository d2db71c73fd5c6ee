"""`kseg run --save-at` and `--from`, and `kseg snapshot`."""

import shlex
import shutil
from pathlib import Path

import pytest

from kseg.machine import disk_image
from tests.cli.command import kseg

BOOT = ("cms", "primes 20; echo done; halt")
RUN = ("run", "--seed", "3", "--epoch", "1000000")
PRIMES = "2\n3\n5\n7\n11\n13\n17\n19\ndone\n"


@pytest.fixture
def snapshots(tmp_path: Path) -> Path:
    """A directory with 1 and 2, of the same run."""
    result = kseg(*RUN, "--save-at", "260000:2", "--save-at", "230000:1", *BOOT, cwd=tmp_path)
    assert result.stdout.endswith(PRIMES)
    assert result.stderr == ("kseg: saved at cycle 230000: 1\nkseg: saved at cycle 260000: 2\n")
    return tmp_path


@pytest.mark.slow
def test_going_on(snapshots: Path) -> None:
    whole = kseg(*RUN, *BOOT).stdout
    for name in ("1", "2"):
        for way in ([], ["--engine", "reference"], ["--monitor", "hybrid"]):
            result = kseg("run", *way, "--from", name, cwd=snapshots)
            assert (result.returncode, result.stderr) == (0, "")
            assert result.stdout
            assert whole.endswith(result.stdout)


def test_snapshots_of_a_restored_machine(snapshots: Path) -> None:
    kseg("run", "--from", "1", "--save-at", "260000:3", "--base", "1", cwd=snapshots)
    assert kseg("snapshot", "diff", "2", "3", cwd=snapshots).returncode == 0
    assert (snapshots / "3").stat().st_size < (snapshots / "2").stat().st_size / 2
    assert "base: 1," in kseg("snapshot", "info", "3", cwd=snapshots).stdout
    (snapshots / "1").unlink()
    result = kseg("snapshot", "verify", "2", "3", cwd=snapshots)
    assert (result.returncode, result.stdout) == (1, "2: sound\n")
    assert result.stderr == "kseg: snapshot 3: its base 1 is not beside it; put it there\n"


def test_more_input(snapshots: Path) -> None:
    kseg("run", "--save-at", "300000:3", "--max-cycles", "300000", "cms", cwd=snapshots)
    result = kseg("run", "--from", "3", input="echo from a pipe\nhalt\n", cwd=snapshots)
    assert (result.returncode, "from a pipe\n" in result.stdout) == (0, True)


def test_info_and_diff(snapshots: Path) -> None:
    result = kseg("snapshot", "info", "1", "2", cwd=snapshots)
    assert result.returncode == 0
    for text in ("boot string: primes 20", "at: cycle 230000", "1 CPU, 4096K of RAM", "cms.elf"):
        assert text in result.stdout
    result = kseg("snapshot", "diff", "1", "2", cwd=snapshots)
    assert result.returncode == 1
    for text in ("cycle: 230000, 260000\n", "processor 0: clock", "clock: base"):
        assert text in result.stdout


def test_pages_that_differ(snapshots: Path) -> None:
    kseg(*RUN, "--save-at", "180000:0", "--max-cycles", "180000", *BOOT, cwd=snapshots)
    result = kseg("snapshot", "diff", "0", "1", cwd=snapshots)
    assert "memory ram: " in result.stdout


def test_what_comes_from_strangers_is_not_printed_as_it_is(tmp_path: Path) -> None:
    kseg("run", "--save-at", "1:a", "--max-cycles", "9", "cms", "\x1b]0;hello\x07", cwd=tmp_path)
    result = kseg("snapshot", "info", "a", cwd=tmp_path)
    assert r"boot string: \x1b]0;hello\x07" in result.stdout


def test_disk_images(tmp_path: Path) -> None:
    disk_image.create(tmp_path / "disk", 5 << 20)
    result = kseg("run", "--disk", "disk", "--save-at", "200000:a", "cms",
                  "format a:; echo x > a:/x; halt", cwd=tmp_path)  # fmt: skip
    assert result.returncode == 0
    for options, text in [
        ((), "give it again (--disk), or allow what the snapshot names (--trust)"),
        (("--trust",), "disk: has changed since the snapshot was made; give the machine a copy"),
        (("--disk", "disk"), "disk: has changed since the snapshot was made"),
    ]:
        result = kseg("run", *options, "--from", "a", cwd=tmp_path)
        assert (result.returncode, result.stderr.count("\n")) == (2, 1)
        assert text in result.stderr


def test_a_machine_that_was_moved_or_copied(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    disk_image.create(old / "d.img", 5 << 20)
    words = ["--disk", "d.img", "--share", ".", "--save-at", "200000:s.kseg", "cms", "halt"]
    assert kseg("run", *words, cwd=old).returncode == 0
    shutil.copytree(old, new)
    copied = kseg("run", "--trust", "--from", "s.kseg", cwd=new)
    assert copied.returncode == 2
    assert "the machine has been copied" in copied.stderr
    assert f"--disk {new / 'd.img'}" in copied.stderr
    shutil.rmtree(old)
    moved = kseg("run", "--trust", "--from", "s.kseg", cwd=new)
    assert "is not there any more" in moved.stderr
    command = shlex.split(moved.stderr.partition("where it is: ")[2])
    assert {"--disk", "--share"} <= set(command)
    assert kseg(*command[1:], "--share", str(new), cwd=new).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--from", "missing"], "kseg: snapshot missing: No such file or directory\n"),
        (["--from", "1", "cms"], "kseg: --from: the snapshot says what KERNEL would;"),
        (["--from", "1", "--ram", "1M"], "kseg: --from: the snapshot says what --ram would;"),
        (["--trust", "cms"], "kseg: --trust: only with --from"),
        ([], "kseg: Missing argument 'KERNEL'."),
        (["--save-at", "x", "cms"], "x: give a number of cycles and a file's name: CYCLE:FILE"),
        (["--save-at", "9:x", "--from", "1"], "the machine is at cycle 230000 already"),
        (["--save-at", "9:x", "--base", "y", "cms"], "kseg: snapshot y: No such file"),
        (["--save-at", "9:/x/y", "cms"], "kseg: snapshot /x/y: No such file or directory; nothing"),
    ],
)
def test_wrong_usage(snapshots: Path, arguments: list[str], text: str) -> None:
    result = kseg("run", *arguments, cwd=snapshots)
    assert result.returncode == 2
    assert text in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_cycle_that_does_not_come(tmp_path: Path) -> None:
    result = kseg("run", "--save-at", "999999999:x", "cms", "halt", cwd=tmp_path)
    assert "kseg: not saved: x; the machine did not come to cycle 999999999\n" in result.stderr


def test_a_snapshot_made_before_there_were_dates(tmp_path: Path) -> None:
    import msgspec

    from tests.history.machines import busy, packed_again, saved

    with busy(1000) as machine:
        file = saved(machine, tmp_path / "it")
    for created in (-5, 1 << 61, -(1 << 61)):
        origin = msgspec.structs.replace(file.header.origin, created=created)
        header = msgspec.structs.replace(file.header, origin=origin)
        (tmp_path / "other").write_bytes(packed_again(file, header))
        result = kseg("snapshot", "info", tmp_path / "other")
        assert (result.returncode, result.stderr) == (0, "")
        assert "made: " in result.stdout

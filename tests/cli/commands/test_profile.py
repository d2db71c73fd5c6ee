"""`kseg profile`, and profiles of `kseg sys161 -P`."""

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tests.cli.command import kseg
from tests.cli.kernels import kernel, printing
from tests.profile.test_samples import records


def test_all_forms(tmp_path: Path) -> None:
    result = kseg(
        "profile", "--flame", "f.svg", "--folded", "f.txt", "--gmon", "gmon.out",
        "--epoch", "0", "cms", "primes 300; halt", cwd=tmp_path,
    )  # fmt: skip
    assert result.returncode == 0
    assert result.stderr == ""
    heading = re.search(r"^(\d+) samples: (\d+) busy, ", result.stdout, re.MULTILINE)
    assert int(heading[1]) > int(heading[2]) > 0
    assert "main (user)" in result.stdout
    ElementTree.fromstring((tmp_path / "f.svg").read_text())
    folded = (tmp_path / "f.txt").read_text().splitlines()
    assert sum(int(line.rpartition(" ")[2]) for line in folded) == int(heading[1])
    histograms, arcs = records((tmp_path / "gmon.out").read_bytes())
    ((low, high, hz, counts),) = histograms
    assert (low, hz) == (0x80000000, 1000)
    assert 0 < sum(counts) < int(heading[2])
    assert arcs
    assert all(low <= calling < high for calling, _, _ in arcs)


def test_without_stacks_to_a_file(tmp_path: Path) -> None:
    result = kseg(
        "profile", "--no-stacks", "--hz", "5000", "--table", "t", "cms", "halt", cwd=tmp_path
    )
    assert result.returncode == 0
    assert "samples" not in result.stdout
    lines = (tmp_path / "t").read_text().splitlines()
    assert all(line.split()[0] == line.split()[2] for line in lines[2:32])


def test_symbols_of_a_program(tmp_path: Path) -> None:
    (tmp_path / "k").write_bytes(kernel("one: b one\nnop"))
    result = kseg("profile", "--max-cycles", "100000", "k", cwd=tmp_path)
    assert result.returncode == 4
    assert re.search(r" 100.0  (one|__start)$", result.stdout, re.MULTILINE)
    missing = kseg("run", "--symbols", "none", "k", cwd=tmp_path)
    assert missing.returncode == 2
    assert missing.stderr == "kseg: symbols none: No such file or directory\n"


@pytest.mark.parametrize("hz", ["0", "1000001", "fast"])
def test_wrong_rates(hz: str) -> None:
    result = kseg("profile", "--hz", hz, "cms")
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1


def test_files_that_cannot_be_written_are_found_early(tmp_path: Path) -> None:
    result = kseg("profile", "--flame", "none/f.svg", "cms", "halt", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr == "kseg: profile none/f.svg: No such file or directory; name another\n"
    assert result.stdout == ""


def test_system161(tmp_path: Path) -> None:
    (tmp_path / "k").write_bytes(printing("hello"))
    (tmp_path / "sys161.conf").write_text("0 serial\n31 mainboard ramsize=512K\n")
    plain = kseg("sys161", "-X", "k", cwd=tmp_path)
    result = kseg("sys161", "-X", "-P", "k", cwd=tmp_path)
    assert result.returncode == 0
    size = (tmp_path / "gmon.out").stat().st_size
    assert result.stderr.endswith(f"sys161: {size} bytes written to gmon.out\n")
    histograms, _ = records((tmp_path / "gmon.out").read_bytes())
    assert histograms[0][2] == 1000
    assert sum(histograms[0][3]) > 3

    def virtual(text: str) -> list[str]:
        return [line for line in text.splitlines() if "cycles" in line or "virtual" in line]

    assert virtual(result.stderr) == virtual(plain.stderr)

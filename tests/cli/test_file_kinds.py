"""Files given to the wrong command: what they are, and what takes them."""

from pathlib import Path

import click
import pytest

from kseg.cli.file_kinds import KINDS, check_kind, kind_of, use
from kseg.cli.parameters import File
from kseg.errors import KsegError
from kseg.machine import disk_image
from tests.cli import kernels
from tests.cli.command import forked
from tests.cli.command_tree import ALL, command


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """One of each kind."""
    directory = tmp_path_factory.mktemp("kinds")
    made = {kind: directory / f"a file.{kind}" for kind in KINDS}
    made["executable"].write_bytes(kernels.printing("x"))
    disk_image.create(str(made["disk"]), 5 << 20)
    made["configuration"].write_text("# mine\n\n0\tserial\n31 mainboard ramsize=1M cpus=1\n")
    made["assembly"] = directory / "a file.s"
    made["assembly"].write_text("nop\n")
    saves = ("--save-at", f"1000:{made['snapshot']}")
    options = ("run", "--record", made["log"], *saves, str(made["executable"]))
    result = forked(*options, cwd=directory)
    assert result.returncode == 0, result.stderr
    return {kind: str(path) for kind, path in made.items()}


def takers() -> list[tuple[tuple[str, ...], str, str]]:
    """Each command, each of its parameters that takes a kind of file, and the kind."""
    return [
        (path, param.name or "", param.type.kind)
        for path in ALL
        for param in command(path).params
        if isinstance(param.type, File) and param.type.kind is not None
    ]


def test_every_kind_is_told_apart(files: dict[str, str]) -> None:
    assert {kind: kind_of(path) for kind, path in files.items()} == {kind: kind for kind in KINDS}


@pytest.mark.parametrize(("path", "name", "wanted"), takers(), ids=str)
def test_every_pair(path: tuple[str, ...], name: str, wanted: str, files: dict[str, str]) -> None:
    found = command(path)
    context = click.Context(found, info_name=path[-1])
    (parameter,) = (each for each in found.params if each.name == name)
    for kind, file in files.items():
        if kind == wanted:
            assert parameter.type.convert(file, parameter, context) == file
            continue
        if (kind, wanted) == ("configuration", "assembly"):
            continue
        with pytest.raises(KsegError) as caught:
            parameter.type.convert(file, parameter, context)
        text = str(caught.value)
        assert KINDS[kind].name in text
        assert KINDS[wanted].name in text
        assert "kseg " in text.partition("; ")[2]
        assert "'" in text.partition("; ")[2], "the name has a blank in it"


@pytest.mark.parametrize(
    ("arguments", "kind", "advice"),
    [
        (("run",), "log", "kseg replay"),
        (("run",), "snapshot", "kseg run --from"),
        (("profile",), "log", "kseg profile --replay"),
        (("replay",), "snapshot", "kseg run --from"),
        (("replay",), "executable", "kseg run"),
        (("sys161",), "log", "kseg replay"),
        (("disk", "info"), "snapshot", "kseg run --from"),
        (("explore", "--expect", "x"), "snapshot", "kseg explore --from"),
        ((), "log", "To repeat the run: kseg replay"),
        ((), "executable", "To boot it: kseg run"),
    ],
)
def test_advice(arguments: tuple[str, ...], kind: str, advice: str, files: dict[str, str]) -> None:
    result = forked(*arguments, files[kind])
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert f"{advice} '{files[kind]}'" in result.stderr


def test_a_guest_of_a_host(files: dict[str, str]) -> None:
    result = forked("host", "--guest", f"a={files['log']}")
    assert result.returncode == 2
    assert "kseg replay" in result.stderr


def test_what_is_no_file_or_unknown_is_left_to_the_command(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello\n")
    for path in (tmp_path, tmp_path / "none", tmp_path / "text", "a\0b", "/dev/null"):
        assert kind_of(str(path)) is None
        check_kind(str(path), "log")
        assert use(str(path)) == ""


def test_a_bundled_name_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("cms").write_bytes(b"KSEGLOG\0")
    check_kind("cms", "executable")
    with pytest.raises(KsegError):
        check_kind("./cms", "executable")


def test_a_disk_image_may_replace_anything(files: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "k").write_bytes(Path(files["executable"]).read_bytes())
    assert forked("disk", "create", "--force", tmp_path / "k", "5M").returncode == 0

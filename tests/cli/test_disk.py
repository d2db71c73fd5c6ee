"""`kseg disk`."""

import re

import pytest

from kseg.machine import disk_image
from tests.cli.command import kseg


@pytest.fixture
def image(tmp_path):
    """An image with an empty cms file system."""
    path = tmp_path / "disk.img"
    assert kseg("disk", "create", "--format", path, "5M").returncode == 0
    return path


def succeed(*arguments, **options):
    result = kseg("disk", *arguments, **options)
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


def fail(*arguments, **options):
    result = kseg("disk", *arguments, **options)
    assert result.returncode == 2
    assert result.stderr.startswith("kseg: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_a_new_image(tmp_path):
    path = tmp_path / "disk"
    succeed("create", path, "5M")
    assert path.stat().st_size == 512 + (5 << 20)
    text = succeed("info", path)
    assert "10240 sectors, 5 MiB" in text
    assert "file system: none" in text
    assert "exists; --force replaces it" in fail("create", path, "6M")
    succeed("create", "--force", path, "6M")
    assert "6 MiB" in succeed("info", path)


@pytest.mark.parametrize("size", ["big", "1", "1000", "60K", "4G", "-5M"])
def test_impossible_sizes(tmp_path, size):
    fail("create", tmp_path / "disk", "--", size)
    assert not (tmp_path / "disk").exists()


def test_resizing(image):
    succeed("resize", image, "+1M")
    assert "6 MiB" in succeed("info", image)
    succeed("resize", image, "-512K")
    assert "5632 KiB" in succeed("info", image)
    succeed("resize", image, "8M")
    assert "8 MiB" in succeed("info", image)
    assert "not a multiple of 512" in fail("resize", image, "+1")
    fail("resize", image, "-100M")


def test_files_go_there_and_back(image, tmp_path):
    data = bytes(range(256)) * 100
    (tmp_path / "local").write_bytes(data)
    succeed("put", image, tmp_path / "local")
    succeed("put", image, tmp_path / "local", "/renamed")
    succeed("put", image, "-", "/typed", input="by hand\n")
    assert succeed("ls", image) == "local\nrenamed\ntyped\n"
    assert re.search(
        r"^ +25600  \d{4}-\d\d-\d\d \d\d:\d\d  local$", succeed("ls", "-l", image), re.M
    )
    assert succeed("ls", image, "/typed") == "typed\n"
    assert succeed("get", image, "/typed", "-") == "by hand\n"
    succeed("get", image, "renamed", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == data
    succeed("get", image, "local", tmp_path / "..", cwd=tmp_path)
    (tmp_path / ".." / "local").unlink()
    (tmp_path / "local").unlink()
    succeed("get", image, "local", cwd=tmp_path)
    assert (tmp_path / "local").read_bytes() == data


def test_a_guest_sees_the_files(image, tmp_path):
    (tmp_path / "note").write_text("from outside\n")
    succeed("put", image, tmp_path / "note")
    result = kseg("run", "--disk", image, "cms", "cat note; mkdir sub; echo inside > sub/x; halt")
    assert "\nfrom outside\n" in result.stdout
    assert succeed("ls", image) == "note\nsub/\n"
    assert succeed("get", image, "/sub/x", "-") == "inside\n"
    succeed("put", image, tmp_path / "note", "/sub")
    assert succeed("ls", image, "/sub") == "note\nx\n"
    assert "cms, " in succeed("info", image)


def test_what_is_not_there(image, tmp_path):
    assert "/nothing does not exist" in fail("get", image, "/nothing")
    assert "No such file" in fail("put", image, tmp_path / "nothing")
    assert "give a PATH" in fail("put", image, "-", input="x")
    assert "No such file" in fail("ls", tmp_path / "no image")
    assert "is a directory" in fail("get", image, "/")
    succeed("put", image, "-", "/x", input="x")
    assert "No such file" in fail("get", image, "/x", tmp_path / "no" / "where")


def test_a_disk_without_a_file_system(tmp_path):
    path = tmp_path / "disk"
    succeed("create", path, "5M")
    for command in (["ls", path], ["get", path, "x"], ["put", path, __file__]):
        assert "kseg disk create --format" in fail(*command)


def test_a_file_that_is_no_image():
    assert "not a System/161 disk image" in fail("info", __file__)


def test_an_image_in_use(image):
    with disk_image.DiskImage(image):
        for command in (["ls", image], ["put", image, __file__], ["resize", image, "6M"]):
            assert "in use by another machine" in fail(*command)


def test_damage_is_reported(image):
    data = bytearray(image.read_bytes())
    data[512 + 512 : 512 + 1024] = bytes(512)  # the bitmap: everything is free
    image.write_bytes(data)
    assert "damaged: " in succeed("info", image)

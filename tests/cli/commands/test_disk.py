"""`kseg disk`."""

import re
import subprocess
import sys
import textwrap

import pytest

from kseg.machine import disk_image
from tests.cli.command import environment, forked
from tests.cli.command import kseg as kseg_process


@pytest.fixture
def image(tmp_path):
    """An image with an empty cms file system."""
    path = tmp_path / "disk.img"
    assert forked("disk", "create", "--format", path, "5M").returncode == 0
    return path


def succeed(*arguments, **options):
    result = forked("disk", *arguments, **options)
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


def fail(*arguments, **options):
    result = forked("disk", *arguments, **options)
    assert result.returncode == 2
    assert result.stderr.startswith("kseg: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


def damaged(*arguments):
    result = forked("disk", *arguments)
    assert result.returncode == 7
    assert result.stderr.count("\n") == 1
    return result.stdout + result.stderr


def names(directory):
    return sorted(path.name for path in directory.iterdir())


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


@pytest.mark.parametrize(
    "size",
    ["big", "1", "1000", "60K", "3M", "7983s", "4G", "5G", "99999999999G", "-5M", "5000001", "0"],
)
def test_impossible_sizes(tmp_path, size):
    fail("create", tmp_path / "disk", "--", size)
    assert not (tmp_path / "disk").exists()


def test_resizing(image):
    succeed("resize", image, "+1M")
    assert "6 MiB" in succeed("info", image)
    succeed("resize", image, "-512K")
    assert "5632 KiB" in succeed("info", image)
    assert "sound" in succeed("check", image)
    succeed("resize", image, "8M")
    assert "8 MiB" in succeed("info", image)
    assert "not a multiple of 512" in fail("resize", image, "+1")
    fail("resize", image, "-100M")
    assert "no drive takes" in fail("resize", image, "3M")
    assert "which this would cut off and destroy; --force" in fail("resize", image, "4M")
    succeed("resize", "--force", image, "4M")


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
    script = "cat note; mkdir sub; echo inside > sub/x; halt"
    result = kseg_process("run", "--disk", image, "cms", script)
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


def corrupt(image, first, length):
    data = bytearray(image.read_bytes())
    data[first : first + length] = bytes(length)
    image.write_bytes(data)


def test_damage_has_an_exit_code(image):
    succeed("put", image, __file__, "/kept")
    corrupt(image, 1024, 512)  # the bitmap: everything is free
    assert "damaged: " in damaged("info", image)
    assert "is in use but marked free" in damaged("check", image)
    for command in (["put", image, __file__, "x"], ["rm", image, "kept"], ["mkdir", image, "d"]):
        before = image.read_bytes()
        assert "kseg disk check --repair" in damaged(*command)
        assert image.read_bytes() == before
    assert "repaired" in succeed("check", "--repair", image)
    assert succeed("check", image) == "cms: sound\n"
    assert succeed("ls", image) == "kept\n"
    corrupt(image, 512 + 100, 412)
    assert "superblock is damaged" in damaged("ls", image)
    assert "superblock is damaged" in damaged("check", "--repair", image)


@pytest.mark.parametrize("kind", ["--format", "--sfs"])
def test_zeros_over_what_was_there(tmp_path, kind):
    """A block of a file that was removed is all zero in the next one."""
    image, data = tmp_path / "image", tmp_path / "data"
    succeed("create", kind, "--label", "v", image, "5M")
    data.write_bytes(b"x" * 50_000)
    succeed("put", image, data, "/old")
    succeed("rm", image, "/old")
    data.write_bytes(bytes(60_000))
    succeed("put", image, data, "/new")
    succeed("get", image, "/new", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == bytes(60_000)
    assert "sound" in succeed("check", image)
    assert '"v"' in succeed("info", image)


@pytest.mark.parametrize("kind", ["--format", "--sfs"])
def test_what_does_not_fit_changes_nothing(tmp_path, kind):
    image, data = tmp_path / "image", tmp_path / "data"
    succeed("create", kind, image, "4M")
    data.write_bytes(b"x" * 70_000)
    for number in range(58):
        (tmp_path / f"f{number}").write_bytes(b"x" * 70_000)
    succeed("put", image, data, "/data")
    before = image.read_bytes()
    files = sorted(tmp_path.glob("f*"))
    assert "the disk is full" in fail("put", image, *files, "/")
    data.write_bytes(b"y" * 9_000_000)
    assert "9000000 bytes are more than a file can hold" in fail("put", image, data, "/data")
    assert "File too large" in fail("put", image, tmp_path / "f1", "/x", file_size=100_000)
    assert "No such file" in fail("put", image, tmp_path / "f1", tmp_path / "none", "/")
    assert image.read_bytes() == before
    assert names(tmp_path) == sorted(["data", "image", *(path.name for path in files)])
    succeed("put", image, *files[:20], "/")


def test_a_host_disk_that_is_full_leaves_no_image(tmp_path):
    assert "File too large" in fail("create", "--format", tmp_path / "x", "5M", file_size=1000)
    assert names(tmp_path) == []
    succeed("create", "--format", tmp_path / "x", "5M")
    before = (tmp_path / "x").read_bytes()
    fail("create", "--force", tmp_path / "x", "6M", file_size=1000)
    fail("resize", tmp_path / "x", "6M", file_size=1000)
    assert (tmp_path / "x").read_bytes() == before
    succeed("put", tmp_path / "x", __file__, "f")
    fail("get", tmp_path / "x", "f", tmp_path / "f", file_size=1000)
    assert names(tmp_path) == ["x"]


@pytest.mark.parametrize("kind", ["--format", "--sfs"])
def test_directories(tmp_path, kind):
    image = tmp_path / "image"
    succeed("create", kind, image, "5M")
    (tmp_path / "tree" / "below" / "empty").mkdir(parents=True)
    (tmp_path / "tree" / "a").write_text("A")
    (tmp_path / "tree" / "below" / "b").write_text("B")
    assert "put it with -r" in fail("put", image, tmp_path / "tree")
    succeed("put", "-r", image, tmp_path / "tree", tmp_path / "tree" / "a", "/")
    shown = "a\ntree/\ntree/a\ntree/below/\ntree/below/b\ntree/below/empty/\n"
    assert succeed("ls", "-R", image) == shown
    assert "get it with -r" in fail("get", image, "tree")
    succeed("get", "-r", image, "tree", tmp_path / "back")
    assert (tmp_path / "back" / "below" / "b").read_text() == "B"
    assert (tmp_path / "back" / "below" / "empty").is_dir()
    assert "not empty" in fail("rm", image, "tree")
    succeed("rm", "-r", image, "tree/below", "a")
    assert succeed("ls", "-R", image) == "tree/\ntree/a\n"
    assert "exists already" in fail("mkdir", image, "tree")
    assert "does not exist" in fail("mkdir", image, "x/y/z")
    succeed("mkdir", "-p", image, "x/y/z", "tree")
    succeed("mv", image, "tree", "x/y")
    assert "lies in" in fail("mv", image, "x", "x/y")
    assert "same file" in fail("mv", image, "x", "/x")
    succeed("mv", image, "x/y/tree/a", "b")
    assert succeed("ls", "-R", image) == "b\nx/\nx/y/\nx/y/tree/\nx/y/z/\n"
    assert "does not exist" in fail("rm", image, "none")
    succeed("rm", "-f", image, "none")
    assert "must have 1 to" in fail("put", image, __file__, "n" * 100)
    assert "sound" in succeed("check", image)


def test_images_that_cannot_be_replaced_are_written_in_place(image, tmp_path):
    (tmp_path / "other").hardlink_to(image)
    inode = image.stat().st_ino
    succeed("put", image, __file__, "f")
    assert image.stat().st_ino == inode
    assert succeed("ls", tmp_path / "other") == "f\n"
    before = image.read_bytes()
    # The data would fit, but the file's last sector lies beyond what may be written.
    assert "nothing was changed" in fail("put", image, __file__, "g", file_size=600)
    assert image.read_bytes() == before


def test_links_stay_links(image, tmp_path):
    image.chmod(0o640)
    (tmp_path / "link").symlink_to(image.name)
    succeed("put", tmp_path / "link", __file__, "f")
    assert (tmp_path / "link").is_symlink()
    assert image.stat().st_mode & 0o777 == 0o640
    assert succeed("ls", image) == "f\n"


def test_a_put_that_is_killed(image, tmp_path):
    """Wherever: the image is the old one or the new one."""
    program = """
        import os, signal, sys
        from kseg.cli.tree import kseg
        from kseg.machine import disk_changes
        left = int(sys.argv.pop(1))
        def write(*arguments, write=disk_changes._write):
            global left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            write(*arguments)
        disk_changes._write = write
        kseg(["disk", "put", *sys.argv[1:]])
    """
    before = image.read_bytes()
    for number in (1, 5):
        run = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program), str(number), image, __file__, "f"],
            env=environment(), check=False,
        )  # fmt: skip
        assert run.returncode == -9
        assert image.read_bytes() == before
        assert names(tmp_path) == ["disk.img"]


def test_names_that_lead_out(tmp_path):
    """A damaged directory cannot make `get -r` write elsewhere."""
    image = tmp_path / "image"
    succeed("create", "--sfs", image, "5M")
    succeed("put", image, __file__, "name")
    data = image.read_bytes().replace(b"name\0\0", b"../x\0\0")
    image.write_bytes(data)
    (tmp_path / "out").mkdir()
    assert "bad name" in damaged("get", "-r", image, "/", tmp_path / "out")
    assert names(tmp_path / "out") == []


def test_an_overlay_leaves_the_image_alone(image, tmp_path):
    before = image.read_bytes()
    options = ["--overlay", "--disk", image, "--record", tmp_path / "log"]
    script = "mkdir x; primes 20000; ls; halt"
    result = kseg_process("run", *options, "--save-at", f"3000000:{tmp_path / 's'}", "cms", script)
    assert result.stdout.endswith("x/\n")
    assert image.read_bytes() == before
    assert kseg_process("replay", tmp_path / "log").stdout.endswith("x/\n")
    result = kseg_process("run", "--overlay", "--from", tmp_path / "s", "--disk", image)
    assert result.stdout.endswith("x/\n")
    assert image.read_bytes() == before

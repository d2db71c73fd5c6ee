"""`kseg host`: many guests, their consoles on one terminal, or line by line."""

import json
import os
import re
import signal
import time

import pytest

from kseg import Machine
from kseg.api.guests import find_guest
from kseg.api.options import GuestOptions, RestoredGuestOptions
from kseg.cli.console.consoles import LONGEST_LINE, MOST_REMEMBERED, RESET, PrefixedLines, Switch
from kseg.cli.guest_options import FLAGS, KEYS, GuestRequest, copied, parse_guest
from kseg.errors import ConfigurationError
from kseg.machine import disk_image
from tests.cli import kernels
from tests.cli.command import PROMPT, kseg
from tests.cli.console.test_terminal import CONTROL_A, finish, settings, spawn

BANNER = "cms 1.0 (4096 kB, 1 CPU)"
HOST = ("host", "--engine", "interpreter")


class TestGuestRequests:
    def test_all_keys(self):
        text = (
            "a=./k,weight=300,cap=20%,reservation=5M,ram=8M,monitor=hybrid,disk=5M,disk=d.img,"
            'args="p /x, y=\\"1\\" \\\\",config=c,seed=7,input=in,doom=3,progress=4,share=d,'
            "overlay,record=log,save-at=5:s,save-at=7:t,symbols=p"
        )
        assert parse_guest(text) == GuestRequest(
            name="a",
            kernel="./k",
            arguments='p /x, y="1" \\',
            options={
                "monitor": "hybrid",
                "weight": 300,
                "cap": "20%",
                "reservation": "5M",
                "ram": "8M",
                "disks": ("5M", "d.img"),
                "config": "c",
                "seed": 7,
                "doom": 3,
                "progress_timeout": 4,
                "share": "d",
                "overlay": True,
            },
            input_file="in",
            record="log",
            saves=((5, "s"), (7, "t")),
            symbols=("p",),
        )

    def test_a_snapshot_in_place_of_a_kernel(self):
        assert parse_guest("a=,from=s,trust,weight=3") == GuestRequest(
            name="a", kernel="", options={"trust": True, "weight": 3}, snapshot="s"
        )

    def test_the_options_are_those_of_the_api(self):
        known = {*GuestOptions.__annotations__, *RestoredGuestOptions.__annotations__}
        fields = set(GuestRequest.__slots__)
        assert {key.name for key in KEYS.values()} <= known | fields
        assert set(FLAGS) <= known

    def test_equals_signs_need_no_quotes(self):
        assert parse_guest("a=cms,args=x=y=z").arguments == "x=y=z"
        assert parse_guest("a=dir=x/kernel").kernel == "dir=x/kernel"

    def test_copies(self):
        guests = [parse_guest("a=cms"), parse_guest("b=cms,weight=7")]
        assert [each.name for each in copied(guests, 1)] == ["a", "b"]
        assert [each.name for each in copied(guests, 2)] == ["a-1", "a-2", "b-1", "b-2"]
        assert copied(guests, 2)[3].options["weight"] == 7

    def test_copies_do_not_write_into_one_file(self):
        for key in ("record=log", "save-at=1:s"):
            with pytest.raises(ConfigurationError, match="would write into the same file"):
                copied([parse_guest(f"a=cms,{key}")], 2)

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("", "cannot read"),
            ("cms", "cannot read 'cms'"),
            ("=cms", "begin with the guest's name"),
            ("weight=5", "begin with the guest's name"),
            ("a=", "which kernel"),
            ("a=cms,", "cannot read ''|no such key|expected"),
            ("a=cms,,", "cannot read"),
            ("a=cms,size=3", "no such key 'size'; there are args, cap"),
            ("a=cms,=3", "no such key ''"),
            ("a=cms,args", "cannot read 'args'"),
            ("a=cms,args=x, y", "cannot read ' y'"),
            ('a=cms,args="x', "cannot read"),
            ('a=cms,args="x"y', "cannot read"),
            ('a=cms,args=x"y"', "cannot read"),
            ("a=cms,cap=1M,cap=2M", "cap is given twice"),
            ("a=cms,weight=lots", "weight=lots: give a number"),
            ("a=cms,weight=", "give a number"),
            ("a=cms,weight=-1", "give a number"),
            ("a=cms,save-at=5", "save-at=5: give a number of cycles and a file's name"),
            ("a=cms,from=x", "the snapshot says what cms would; leave it out: a=,from=FILE"),
            ("a=,from=x,ram=5M", "the snapshot says what ram would"),
            ("a=cms,trust", "trust goes with from=FILE only"),
            ("overlay=cms", "begin with the guest's name"),
        ],
    )
    def test_wrong(self, text, says):
        if text == "a=cms,":
            assert parse_guest(text).kernel == "cms"
            return
        with pytest.raises(ConfigurationError, match=says):
            parse_guest(text)


class Written:
    """In place of an `Output`."""

    def __init__(self):
        self.text = b""

    def console(self, data):
        self.text += data

    def message(self, text):
        self.finish_line()
        self.text += b"kseg: " + text.encode() + b"\n"

    def finish_line(self):
        if self.text and not self.text.endswith(b"\n"):
            self.text += b"\n"

    def pulse(self, resting):
        pass

    def flush(self):
        pass

    def take(self):
        text, self.text = self.text.replace(RESET, b""), b""
        return text


class TestPrefixedLines:
    def test_lines_are_whole(self):
        output = Written()
        lines = PrefixedLines(output)
        lines.printed("a", b"one")
        lines.printed("b", b"two\nthr")
        lines.printed("a", b" more\n\nlast")
        lines.printed("b", b"ee\n")
        assert output.take() == b"b: two\na: one more\na: \nb: three\n"
        lines.finish()
        lines.finish()
        assert output.take() == b"a: last\n"

    def test_a_line_without_end(self):
        output = Written()
        lines = PrefixedLines(output)
        for _ in range(3 * LONGEST_LINE):
            lines.printed("a", b"x")
        assert output.take() == (b"a: " + b"x" * LONGEST_LINE + b"\n") * 3


class TestSwitch:
    @pytest.fixture
    def screen(self):
        output = Written()
        return Switch(["a", "b"], output), output

    def test_only_one_is_visible(self, screen):
        switch, output = screen
        switch.printed("a", b"of a\n")
        switch.printed("b", b"of b\nb> ")
        switch.printed("a", b"a> ")
        assert output.take() == b"of a\na> "
        switch.show(1)
        assert output.take() == b"--- 2: b ---\nof b\nb> "
        switch.printed("a", b"x\nnew")
        switch.show(0)
        assert output.take() == b"--- 1: a ---\na> x\nnew"
        switch.show(1)
        assert output.take() == b"--- 2: b ---\nb> "

    def test_what_one_guest_leaves_the_terminal_in_is_undone(self, screen):
        switch, output = screen
        switch.printed("a", b"\x1b[31m\x1b[")
        switch.show(1)
        assert output.text.startswith(b"\x1b[31m\x1b[\n" + RESET)

    def test_messages_stand_in_lines_of_their_own(self, screen):
        switch, output = screen
        switch.printed("a", b"a> ls")
        switch.message("b has ended")
        assert output.take() == b"a> ls\nkseg: b has ended\na> ls"

    def test_nothing_comes_while_something_else_is_shown(self, screen):
        switch, output = screen
        switch.printed("a", b"a> ")
        switch.hold()
        output.take()
        switch.printed("a", b"more")
        switch.message("told")
        switch.show(1)
        switch.printed("b", b"b>")
        assert output.take() == b""
        switch.release()
        assert output.take() == b"kseg: told\n--- 2: b ---\nb>"
        switch.show(0)
        assert output.take() == b"--- 1: a ---\na> more"

    def test_memory_is_limited(self, screen):
        switch, output = screen
        for number in range(20_000):
            switch.printed("b", b"%d\n" % number)
        switch.show(1)
        text = output.take()
        assert len(text) <= MOST_REMEMBERED + 20
        assert text.endswith(b"\n19999\n")
        lines = text.split(b"\n")[1:-1]
        assert [int(line) for line in lines] == list(range(20_000 - len(lines), 20_000))


class TestWithoutTerminal:
    def test_lines_have_names(self):
        ran = kseg(*HOST, "--guest", "a=cms,args=echo one; halt",
                   "--guest", "b=cms,args=primes 3; halt")  # fmt: skip
        assert ran.returncode == 0
        lines = ran.stdout.splitlines()
        assert sorted(line for line in lines if line < "b") == [f"a: {BANNER}", "a: one"]
        assert [line for line in lines if line > "b"] == [f"b: {BANNER}", "b: 2", "b: 3"]
        assert "kseg: a: the guest switched off\n" in ran.stderr

    def test_copies(self):
        ran = kseg(*HOST, "--copies", "3", "--guest", "c=cms,args=halt")
        assert (ran.returncode, sorted(ran.stdout.splitlines())) == (
            0, [f"c-{number}: {BANNER}" for number in (1, 2, 3)],
        )  # fmt: skip

    def test_a_file_each(self, tmp_path):
        ran = kseg(*HOST, "--output", tmp_path / "out", "--guest", "a=cms,args=echo one; halt",
                   "--guest", "b=cms,args=echo two; halt")  # fmt: skip
        assert (ran.returncode, ran.stdout) == (0, "")
        assert (tmp_path / "out" / "a").read_text() == f"{BANNER}\none\n"
        assert (tmp_path / "out" / "b").read_text() == f"{BANNER}\ntwo\n"

    def test_typed_input(self, tmp_path):
        (tmp_path / "in").write_text("echo typed\nhalt\n")
        ran = kseg(*HOST, "--guest", f"a=cms,input={tmp_path / 'in'}")
        assert ran.returncode == 0
        assert "a: typed\n" in ran.stdout

    def test_waiting_for_input(self):
        ran = kseg(*HOST, "--guest", "a=cms,args=halt", "--guest", "b=cms")
        assert ran.returncode == 5
        assert ran.stdout.endswith("b: cms> \n")
        assert "kseg: b: waiting for input, and there is none" in ran.stderr

    def test_waiting_with_a_clock_that_ticks(self, tmp_path):
        (tmp_path / "kernel").write_bytes(kernels.ticking())
        ran = kseg(*HOST, "--guest", f"a={tmp_path / 'kernel'}", "--guest", "b=cms,args=halt")
        assert ran.returncode == 5

    def test_time_is_up(self):
        ran = kseg(*HOST, "--seconds", "0.5", "--guest", "a=cms,args=hog")
        assert ran.returncode == 4
        assert "stopped after 0.5 s" in ran.stderr

    @pytest.mark.parametrize("name", ["misusing", "breaking", "panicking"])
    def test_one_that_fails(self, tmp_path, name):
        (tmp_path / "kernel").write_bytes(getattr(kernels, name)())
        ran = kseg(*HOST, "--guest", f"bad={tmp_path / 'kernel'}", "--guest",
                   "good=cms,args=echo fine; halt")  # fmt: skip
        assert ran.returncode == 1
        assert "good: fine\n" in ran.stdout
        assert re.search(r"^kseg: bad: .*(failed|debugger)", ran.stderr, re.MULTILINE)

    def test_statistics(self, tmp_path):
        kseg(*HOST, "--stats", tmp_path / "stats", "--seconds", "4",
             "--guest", "a=cms,args=hog,weight=300", "--guest",
             "b=cms,args=hog,cap=20%")  # fmt: skip
        data = json.loads((tmp_path / "stats").read_text())
        assert data["stop"]["reason"] == "cycle limit"
        assert data["virtual_seconds"] == 4
        one, other = data["guests"]
        assert (one["name"], one["weight"], other["cap"]) == ("a", 300, 5_000_000)
        assert one["share"] == pytest.approx(0.8, abs=0.02)
        assert other["share"] == pytest.approx(0.2, abs=0.02)
        assert one["exits"]["system_call"] > 0
        assert one["memory"]["own"] + one["memory"]["shared"] > 10

    def test_partitions_of_a_disk(self, tmp_path):
        disk_image.create(tmp_path / "disk", 12 << 20)
        words = ("--disk", tmp_path / "disk", "--copies", "2")
        kseg(*HOST, *words, "--guest", "a=cms,disk=5M,args=format a:; echo kept > a:/x; halt")
        ran = kseg(*HOST, *words, "--guest", "a=cms,disk=5M,args=cat a:/x; halt")
        assert ran.stdout.count(": kept\n") == 2

    @pytest.mark.parametrize(
        ("words", "says"),
        [
            ([], "Missing option '--guest'"),
            (["--guest", "cms"], "expected KEY=VALUE"),
            (["--guest", "a=cms", "--guest", "a=cms"], "guest a: there is one of that name"),
            (["--guest", "a=cms,nothing=1"], "no such key 'nothing'"),
            (["--guest", "a=cms,weight=0"], "guest a: a weight is from 1"),
            (["--guest", "a=cms,cap=garbage"], "guest a: cap garbage: give instructions"),
            (["--guest", "a=cms,reservation=60%", "--guest", "b=cms,reservation=60%"],
             "guest b: reservation 60%: 10000000 instructions a second of 25000000 are left"),
            (["--guest", "a=nothing"], "guest a: kernel nothing: no such file"),
            (["--guest", "a=cms,ram=80M"], "guest a: .*can promise"),
            (["--guest", "../a=cms"], "a name has 1 to 32"),
            (["--guest", "a=cms,seed=x"], "seed=x: give a number"),
            (["--guest", "a=cms,input=/nothing"], "guest a: input /nothing: No such file"),
            (["--guest", "a=cms,monitor=bare"], "guest a: monitor 'bare'"),
            (["--guest", "a=cms,disk=5M"], "guest a: .*the machine has no disk"),
            (["--guest", "a=cms,disk=nothing"], "guest a: disk image .*nothing"),
            (["--guest", "a=cms", "--ram", "x"], "ram x"),
            (["--guest", "a=cms", "--overcommit", "0"], "overcommit 0"),
            (["--guest", "a=cms", "--output", "/proc/x"], "output /proc/x"),
            (["--guest", "a=cms", "--stats", "/nothing/x"], "statistics /nothing/x"),
            (["--guest", "a=cms", "--escape", "x y"], "'--escape': x y"),
        ],
    )  # fmt: skip
    def test_wrong_use(self, words, says):
        ran = kseg(*HOST, *words)
        assert (ran.returncode, ran.stdout) == (2, "")
        assert ran.stderr.startswith("kseg: ")
        assert ran.stderr.count("\n") == 1
        assert re.search(says, ran.stderr)


class TestTerminal:
    @pytest.fixture
    def two(self):
        """Two guests at their prompts, one of them shown."""
        child = spawn(*HOST, "--guest", "one=cms", "--guest", "two=cms")
        child.expect("2 guests")
        child.expect(PROMPT)
        yield child
        child.close(force=True)

    def test_switching(self, two):
        two.send("echo first\r")
        two.expect("\nfirst\r\n" + PROMPT)
        two.send(CONTROL_A + "n")
        two.expect("--- 2: two ---\r\n" + re.escape(BANNER) + "\r\n" + PROMPT)
        two.send("echo second\r")
        two.expect("\nsecond\r\n" + PROMPT)
        two.send(CONTROL_A + "p")
        two.expect("--- 1: one ---\r\n" + PROMPT)
        two.send("echo again\r")
        two.expect("\nagain\r\n")
        for key in "21":
            two.send(CONTROL_A + key)
            two.expect(f"--- {key}: ")
        two.send(CONTROL_A + "9")
        two.send("halt\r")
        two.expect("kseg: one: the guest switched off")
        two.send(CONTROL_A + "n")
        two.expect(PROMPT)
        two.send("halt\r")
        assert finish(two) == 0

    def test_output_of_the_other_does_not_come_between(self):
        child = spawn(*HOST, "--guest", "one=cms", "--guest", "two=cms,args=counter 1000")
        child.expect(PROMPT)
        child.send("primes 30\r")
        answer = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]
        child.expect("\r\n".join(["primes 30", *map(str, answer), PROMPT]))
        child.send(CONTROL_A + "2")
        child.expect("--- 2: two ---\r\n" + re.escape(BANNER) + "\r\n")
        child.send(CONTROL_A + "x")
        assert finish(child) == 0

    def test_leaving_restores_the_terminal(self):
        child = spawn(*HOST, "--guest", "one=cms", "--guest", "two=cms,args=hog")
        before = settings(child)
        child.expect(PROMPT)
        assert settings(child) != before
        child.send(CONTROL_A + "x")
        child.expect("\n")
        assert finish(child) == 0

    def test_a_hog_does_not_hold_up_typing(self):
        child = spawn(*HOST, "--guest", "one=cms", "--guest", "two=cms,args=limit 0; hog")
        child.expect(PROMPT)
        child.send("echo quick\r")
        child.expect("\nquick\r\n")
        child.send(CONTROL_A + "x")
        assert finish(child) == 0

    def test_the_table(self, two):
        two.send(CONTROL_A + "t")
        two.expect(re.escape("\x1b[?1049h"))
        two.expect("2 guests .0 ended.")
        two.expect("guest")
        two.expect("asleep")
        two.send("not for a guest")
        two.send(CONTROL_A + "t")
        two.expect(re.escape("\x1b[?1049l"))
        two.expect("--- 1: one ---\r\n" + PROMPT)
        two.send("echo back\r")
        two.expect("\nback\r\n")

    def test_leaving_from_the_table(self, two):
        two.send(CONTROL_A + "t")
        two.expect(re.escape("\x1b[?1049h"))
        two.send(CONTROL_A + "x")
        two.expect(re.escape("\x1b[?1049l"))
        assert finish(two) == 0

    def test_lists(self, two):
        two.send(CONTROL_A + "l")
        two.expect(r"\*1 one: asleep\r\n")
        two.expect(" 2 two: asleep\r\n" + PROMPT)
        two.send(CONTROL_A + "h")
        two.expect("Ctrl-A n, Ctrl-A p +the next guest")

    def test_a_snapshot_by_a_key(self, tmp_path):
        child = spawn(*HOST, "--guest", "one=cms", "--guest", "two=cms", cwd=tmp_path)
        child.expect(PROMPT)
        child.send(CONTROL_A + "s")
        child.expect(r"kseg: one: saved at cycle \d+: (one-\d+\.kseg)\r\n")
        name = child.match[1]
        child.send(CONTROL_A + "x")
        assert finish(child) == 0
        with Machine.from_snapshot(tmp_path / name) as machine:
            machine.console.sendline("echo it goes on")
            machine.console.expect("\nit goes on\n")

    def test_idle_time_is_real(self):
        child = spawn(*HOST, "--guest", "one=cms,args=sleep 2; halt")
        child.expect("cms 1.0")
        started = time.monotonic()
        assert finish(child) == 0
        assert time.monotonic() - started > 1.5

    @pytest.mark.parametrize("command", ["", "hog"])
    def test_signals(self, command):
        child = spawn(*HOST, "--guest", "one=cms", "--guest", f"two=cms,args={command}")
        child.expect(PROMPT)
        os.kill(child.pid, signal.SIGTERM)
        assert finish(child) == -signal.SIGTERM


def test_copies_have_overlays(tmp_path):
    image = tmp_path / "d.img"
    assert kseg("disk", "create", "--format", image, "5M").returncode == 0
    before = image.read_bytes()
    guest = f"a=cms,disk={image},args=mkdir x; ls; halt"
    result = kseg("host", "--copies", "2", "--guest", guest)
    assert (result.returncode, result.stdout.count("x/\n")) == (0, 2)
    assert "copies have overlays" in result.stderr
    assert image.read_bytes() == before
    result = kseg(
        "host", "--overlay", "--disk", image, "--guest", "a=cms,disk=4M,args=format a:; halt"
    )
    assert result.returncode == 0
    assert image.read_bytes() == before


def test_files_of_a_guest_are_beside_its_configuration(tmp_path):
    (tmp_path / "there").mkdir()
    kseg("disk", "create", "--format", tmp_path / "there" / "d.img", "5M")
    (tmp_path / "there" / "sys161.conf").write_text(
        "0 serial\n2 disk file=d.img\n29 timer\n31 mainboard ramsize=4M cpus=1\n"
    )
    kernel = tmp_path / "there" / "kernel"
    kernel.write_bytes(find_guest("cms").path.read_bytes())
    for guest in (
        "a=cms,config=there/sys161.conf,args=mkdir x; halt",
        "a=there/kernel,args=mkdir y; halt",
    ):
        assert kseg("host", "--guest", guest, cwd=tmp_path).returncode == 0
    assert kseg("disk", "ls", tmp_path / "there" / "d.img").stdout == "x/\ny/\n"


def test_a_guest_with_a_shared_directory(tmp_path):
    (tmp_path / "shared").mkdir()
    result = kseg("host", "--guest", "a=cms,share=shared,args=halt", cwd=tmp_path)
    assert result.returncode == 0
    result = kseg("host", "--guest", "a=cms,share=none,args=halt", cwd=tmp_path)
    assert result.returncode == 2
    assert "share none: no such directory" in result.stderr


def test_a_guest_is_recorded_and_saved(tmp_path):
    commands = "primes 20; sleep 1; halt"
    guest = f"a=cms,args={commands},record={tmp_path / 'log'},save-at=20000:{tmp_path / 'saved'}"
    ran = kseg(*HOST, "--guest", guest, "--guest", "b=cms,args=echo b; halt")
    assert ran.returncode == 0, ran.stderr
    assert f"kseg: a: saved at cycle 20000: {tmp_path / 'saved'}" in ran.stderr
    again = kseg("replay", tmp_path / "log")
    assert again.returncode == 0
    assert again.stdout.splitlines() == [
        line[3:] for line in ran.stdout.splitlines() if line.startswith("a: ")
    ]
    after = kseg(*HOST, "--guest", f"c=,from={tmp_path / 'saved'}")
    assert after.returncode == 0
    assert after.stdout.endswith("c: 19\n")


def test_what_is_not_saved_is_said():
    ran = kseg(*HOST, "--guest", "a=cms,args=halt,save-at=999999999:never.kseg")
    assert "kseg: a: not saved: never.kseg; the machine did not come to cycle" in ran.stderr


def test_a_report_on_one_that_fails(tmp_path):
    (tmp_path / "kernel").write_bytes(kernels.kernel("lw t0, 1(zero)"))
    guest = f"bad={tmp_path / 'kernel'}"
    short, long = (kseg(*HOST, "--guest", guest, *more) for more in ((), ("--report",)))
    assert short.returncode == long.returncode == 1
    assert len(short.stderr.splitlines()) == 1
    assert short.stderr in long.stderr
    assert all(line.startswith("kseg: bad: ") for line in long.stderr.splitlines())
    assert any("status" in line for line in long.stderr.splitlines())

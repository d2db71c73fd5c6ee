"""The line editor of cms, with the keys of all the terminals that people have."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kseg import Machine

PROMPT = "cms> "

KEYS = {
    "home": ["\x1b[H", "\x1bOH", "\x1b[1~", "\x1b[7~", "\x1b[1;2H", "\x1b[7$", "\x01"],
    "end": ["\x1b[F", "\x1bOF", "\x1b[4~", "\x1b[8~", "\x1b[1;5F", "\x1b[8^", "\x05"],
    "left": ["\x1b[D", "\x1bOD", "\x1b\x1b[D", "\x1b[1;2D", "\x02"],
    "right": ["\x1b[C", "\x1bOC", "\x06"],
    "word left": ["\x1b[1;5D", "\x1bOd", "\x1bb", "\x1b[5D", "\x1b[1;3D", "\x1b[d"],
    "word right": ["\x1b[1;5C", "\x1bOc", "\x1bf", "\x1bO5C"],
    "delete": ["\x1b[3~", "\x1b[3;5~", "\x1b[3$", "\x04"],
    "backspace": ["\x7f", "\b"],
    "erase to start": ["\x15"],
    "erase to end": ["\x0b"],
    "erase word": ["\x17", "\x1b\x7f"],
    "nothing": [
        "\x1b[2~", "\x1b[5~", "\x1b[6~",  # Insert, Page Up, Page Down
        "\x1b[[A", "\x1b[11~", "\x1bOP", "\x1b[1;2P", "\x1b[24~", "\x1b[15;5~",  # function keys
        "\x1b[I", "\x1b[O", "\x1b[200~", "\x1b[201~",  # focus, paste
        "\x1b[M !!", "\x1b[<0;10;20M", "\x1b[<0;10;20m",  # mouse
        "\x1b[?1;2c", "\x1b[>0;276;0c", "\x1b[24;80R", "\x1b[97;5u", "\x1bOM",  # answers, keypad
        "\x1b]11;rgb:0000/0000/0000\x07", "\x1b]0;title\x1b\\", "\x1bP1$r0m\x1b\\",  # texts
        "\x1bx", "\x1b.", "\x1b[Z", "\x1b[99999999999~", "\x1b[1;2;3;4;5z",
    ],
}  # fmt: skip


class Line:
    """What the line and the cursor should be."""

    def __init__(self) -> None:
        self.text, self.cursor = "", 0

    def press(self, key: str) -> None:
        text, cursor = self.text, self.cursor
        before = text[:cursor].rstrip(" ")
        start = before.rfind(" ") + 1
        blanks = len(text[cursor:]) - len(text[cursor:].lstrip(" "))
        end = text.find(" ", cursor + blanks)
        match key:
            case "home":
                self.cursor = 0
            case "end":
                self.cursor = len(text)
            case "left":
                self.cursor = max(cursor - 1, 0)
            case "right":
                self.cursor = min(cursor + 1, len(text))
            case "word left":
                self.cursor = start
            case "word right":
                self.cursor = len(text) if end < 0 else end
            case "delete":
                self.text = text[:cursor] + text[cursor + 1 :]
            case "backspace":
                self.cursor = max(cursor - 1, 0)
                self.text = text[: self.cursor] + text[cursor:]
            case "erase to start":
                self.text, self.cursor = text[cursor:], 0
            case "erase to end":
                self.text = text[:cursor]
            case "erase word":
                self.text, self.cursor = text[:start] + text[cursor:], start
            case "nothing":
                pass
            case _:
                self.text = text[:cursor] + key + text[cursor:]
                self.cursor += len(key)


def screen(output: str) -> tuple[str, int]:
    """The last line of a terminal that shows this, and where its cursor is."""
    line, cursor = "", 0
    place = 0
    while place < len(output):
        character = output[place]
        if output.startswith("\x1b[K", place):
            line = line[:cursor]
            place += 2
        elif character == "\n":
            line, cursor = "", 0
        elif character == "\r":
            cursor = 0
        elif character == "\b":
            cursor = max(cursor - 1, 0)
        else:
            assert character.isprintable(), f"{character!r} on the screen"
            line = line[:cursor] + character + line[cursor + 1 :]
            cursor += 1
        place += 1
    return line, cursor


@pytest.fixture(scope="module")
def cms() -> Iterator[Machine]:
    with Machine("cms", engine="interpreter") as machine:
        machine.console.expect(PROMPT)
        yield machine


def typed(machine: Machine, keys: str) -> str:
    """Let the guest take keys; what is on its screen's last line is checked by the caller."""
    machine.console.send(keys)
    machine.run(seconds=900)
    return machine.console.output


def drop_line(machine: Machine) -> None:
    machine.console.send("\x03")
    machine.console.expect(PROMPT)


VARIANTS = [(key, codes) for key, variants in KEYS.items() for codes in variants]


@pytest.mark.parametrize(("key", "codes"), VARIANTS, ids=lambda value: repr(value)[1:-1])
def test_every_variant_of_every_key(cms: Machine, key: str, codes: str) -> None:
    line = Line()
    for one in ("one two three", "left", "left", "left", "left", "left", "left", key, "x"):
        line.press(one)
    output = typed(cms, "one two three" + "\x1b[D" * 6 + codes + "x")
    assert screen(output) == (PROMPT + line.text, len(PROMPT) + line.cursor)
    drop_line(cms)


PRESSES = st.lists(
    st.one_of(
        st.sampled_from(VARIANTS),
        st.text("ab  ", min_size=1, max_size=4).map(lambda text: (text, text)),
    ),
    max_size=12,
)


@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(PRESSES)
def test_any_keys_after_one_another(cms: Machine, presses: list[tuple[str, str]]) -> None:
    line = Line()
    line.press("1")
    for key, _ in presses:
        line.press(key)
        if not line.text:
            return  # Ctrl-D would end the shell.
    with cms.fork() as machine:  # Where one fails, the next has a line of its own.
        text, cursor = screen(typed(machine, "1" + "".join(codes for _, codes in presses)))
    # What was erased at the end of a line is blank.
    assert text.rstrip(" ") == (PROMPT + line.text).rstrip(" ")
    assert cursor == len(PROMPT) + line.cursor


@pytest.mark.parametrize("up", ["\x1b[A", "\x1bOA", "\x10"])
@pytest.mark.parametrize("down", ["\x1b[B", "\x1bOB", "\x0e"])
def test_history(cms: Machine, up: str, down: str) -> None:
    typed(cms, "echo first\recho second\r")
    assert screen(typed(cms, up + up))[0] == PROMPT + "echo first"
    assert screen(typed(cms, down))[0] == PROMPT + "echo second"
    assert typed(cms, "\r").endswith("\nsecond\n" + PROMPT)


def test_a_lone_escape_swallows_no_enter(cms: Machine) -> None:
    assert typed(cms, "echo here\x1b\r").endswith("\nhere\n" + PROMPT)


def test_lines_that_programs_read(cms: Machine) -> None:
    """The kernel edits these, without a cursor that moves."""
    output = typed(cms, "cat\rone two\x1b[D\x1b[3~\x1bOH three\x17four\x1b[[A\x7f\x7fx\r")
    assert output.endswith("x\none two fox\n")
    line, cursor = screen(output.removesuffix("\none two fox\n"))
    assert (line.rstrip(" "), cursor) == ("one two fox", 11)
    assert typed(cms, "\x04").endswith(PROMPT)

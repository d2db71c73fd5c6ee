"""Where a machine's output goes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from kseg.cli.output import MOST_GATHERED, Output, OutputClosed


@contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    try:
        yield reader, writer
    finally:
        os.close(reader)
        os.close(writer)


def test_output_is_gathered_until_the_machine_rests() -> None:
    with pipe() as (reader, writer):
        output = Output("kseg", writer, writer)
        output.console(b"a")
        output.console(b"b")
        with pytest.raises(BlockingIOError):
            os.read(reader, 10)
        output.pulse(resting=True)
        assert os.read(reader, 10) == b"ab"


def test_much_output_is_written_at_once() -> None:
    with pipe() as (reader, writer):
        output = Output("kseg", writer, writer)
        output.console(bytes(MOST_GATHERED - 1))
        with pytest.raises(BlockingIOError):
            os.read(reader, 10)
        output.console(b"x")
        assert len(os.read(reader, MOST_GATHERED)) == MOST_GATHERED


def test_a_message_does_not_continue_a_line_in_the_same_file() -> None:
    with pipe() as (reader, writer):
        output = Output("kseg", writer, writer)
        output.console(b"prompt> ")
        output.message("news")
        output.message("more")
        output.console(b"x\n")
        output.finish_line()
        assert os.read(reader, 100) == b"prompt> \nkseg: news\nkseg: more\nx\n"


def test_messages_elsewhere_leave_the_console_alone() -> None:
    with pipe() as (reader, writer), pipe() as (messages, message_writer):
        output = Output("kseg", writer, message_writer)
        output.console(b"prompt> ")
        output.message("news")
        assert os.read(reader, 100) == b"prompt> "
        assert os.read(messages, 100) == b"kseg: news\n"


def test_nobody_listens() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    output = Output("kseg", writer, writer)
    output.console(b"a")
    with pytest.raises(OutputClosed):
        output.flush()
    os.close(writer)


def test_on_a_terminal_the_guests_last_line_stays_the_last() -> None:
    with pipe() as (reader, writer):
        output = Output("kseg", writer, writer)
        output.shows_again = True
        output.console(b"done\nprompt> ")
        output.message("news")
        output.message("more")
        output.console(b"x\n")
        output.message("end")
        assert os.read(reader, 200) == (
            b"done\nprompt> \r\x1b[Kkseg: news\nprompt> \r\x1b[Kkseg: more\nprompt> x\nkseg: end\n"
        )


def test_what_is_on_another_screen_is_no_line_of_the_guests() -> None:
    with pipe() as (reader, writer):
        output = Output("kseg", writer, writer)
        output.shows_again = True
        output.console(b"$ ")
        output.screen(b"table")
        output.message("news")
        assert os.read(reader, 100) == b"$ table\r\x1b[Kkseg: news\n$ "


def test_a_line_that_somebody_else_shows_again() -> None:
    with pipe() as (reader, writer):
        output = Output("kseg", writer, writer)
        output.clears = True
        output.console(b"$ ")
        output.finish_line()
        output.finish_line()
        assert os.read(reader, 100) == b"$ \r\x1b[K"

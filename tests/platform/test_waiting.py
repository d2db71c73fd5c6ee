"""Waiting until something can be read or written."""

import os
import socket

import pytest

from kseg.platform import waiting


def test_reading() -> None:
    reading, writing = os.pipe()
    assert not waiting.readable(reading, 0)
    os.write(writing, b"x")
    assert waiting.readable(reading)
    os.read(reading, 1)
    os.close(writing)
    assert waiting.readable(reading)  # its end
    os.close(reading)
    with pytest.raises(OSError):
        waiting.readable(reading, 0)


def test_writing_and_what_a_poll_says() -> None:
    here, there = socket.socketpair()
    with here, there:
        waiting.writable([here, there.fileno()])
        poll = waiting.Poll()
        poll.register(here, waiting.READ | waiting.WRITE)
        assert poll.poll(0) == [(here.fileno(), waiting.WRITE)]
        there.send(b"x")
        assert poll.poll(0) == [(here.fileno(), waiting.READ | waiting.WRITE)]
        there.close()
        [(_, events)] = poll.poll(0)
        assert events & waiting.HANG_UP

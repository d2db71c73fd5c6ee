"""Signals that are ignored, and those that come all the same."""

import os
import signal
import sys

import pytest

from kseg.platform import signals


def test_one_that_has_come_already_is_ignored_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both come before Python looks: the handler of the first ignores the second."""
    complaints: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)
    came: list[int] = []

    def handler(number: int, _frame: object) -> None:
        came.append(number)
        signals.ignore(signal.SIGUSR1, signal.SIGUSR2)

    before = [signal.signal(each, handler) for each in (signal.SIGUSR1, signal.SIGUSR2)]
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGUSR2})
        for each in (signal.SIGUSR1, signal.SIGUSR2):
            os.kill(os.getpid(), each)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1, signal.SIGUSR2})
        os.kill(os.getpid(), signal.SIGUSR1)
    finally:
        for each, old in zip((signal.SIGUSR1, signal.SIGUSR2), before, strict=True):
            signal.signal(each, old)
    assert len(came) == 1
    assert complaints == []

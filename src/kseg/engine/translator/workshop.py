"""Where translations are made: in this process at once, or in one of their own beside it."""

from typing import Protocol

from kseg.engine.translator.messages import Answer, Request


class Workshop(Protocol):
    """Takes requests and gives answers, sooner or later."""

    pending: int
    """Requests that have not been answered."""

    def submit(self, request: Request) -> None:
        """Ask for a translation."""

    def collect(self) -> list[Answer]:
        """The answers that have come; does not wait."""

    def close(self) -> None:
        """Give up whatever is pending."""


class InlineWorkshop:
    """Makes each translation while the guest waits: for tests, in which all is to be repeatable."""

    def __init__(self) -> None:
        from kseg.engine.translator.compiler import Compiler

        self.pending = 0
        self._compiler = Compiler()
        self._answers: list[Answer] = []

    def submit(self, request: Request) -> None:
        self._answers.append(self._compiler.answer(request))
        self.pending += 1

    def collect(self) -> list[Answer]:
        answers, self._answers = self._answers, []
        self.pending = 0
        return answers

    def close(self) -> None:
        self._answers = []
        self.pending = 0

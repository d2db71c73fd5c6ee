"""How an instruction is aborted: by a processor exception, or by an exit of the engine."""

from kseg.engine.contract import Exit
from kseg.isa.exceptions import ExceptionCode


class Trap(Exception):
    """The instruction raises a processor exception."""

    def __init__(self, code: ExceptionCode, address: int = 0, coprocessor: int = 0) -> None:
        super().__init__(code)
        self.code = code
        self.address = address
        self.coprocessor = coprocessor


class EngineExit(Exception):
    """A VM exit: the run loop must act before the instruction can complete."""

    def __init__(self, reason: Exit) -> None:
        super().__init__(reason)
        self.exit = reason

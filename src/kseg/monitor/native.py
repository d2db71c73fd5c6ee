"""The burst loop and a board's devices as native code: made once, then kept, and what connects them
with a machine.

There is one module for a board that kseg brings along, with all its devices. A device, or a board,
that comes from elsewhere has modules of its own.
"""

import ctypes
import sys
import weakref
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from kseg.devices.device import Device, by_python_methods
from kseg.devices.lines import Lines
from kseg.devices.record import DeviceRecord, access_symbol, event_symbol, receiver_symbol
from kseg.engine.codegen.generated import Generated
from kseg.engine.codegen.native import Blob, MappedCode
from kseg.machine.board import Board
from kseg.machine.board_record import (
    MOST_EVENTS,
    MOST_OWNERS,
    Access,
    Handler,
    first_place,
)
from kseg.machine.live import live
from kseg.monitor.burst_loop import Why, advance
from kseg.platform.code import NativeCodeError

if TYPE_CHECKING:
    from kseg.engine.codegen.targets.target import Target
    from kseg.monitor.run_loop import RunLoop

LOOP = "advance"
ADVANCE = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)
RUN = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_uint64)
SKIP = ctypes.CFUNCTYPE(None, ctypes.c_uint64)
HAPPEN = ctypes.CFUNCTYPE(
    ctypes.c_uint32, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_int64
)
CALL = ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_uint64)
TELL = ctypes.CFUNCTYPE(None)


class Packed(msgspec.Struct, frozen=True):
    """Native code as it is kept."""

    code: bytes
    symbols: dict[str, int]


def generated(
    name: str,
    kinds: Callable[[], Sequence[type[Device]]],
    lines: Callable[[], type[Lines]],
    further: Callable[[], Iterable[Path]] = tuple,
) -> Generated:
    """The native code of devices on a bus with such lines, and of the burst loop. `further` are
    the sources that are not kseg's own of devices, machines and this package."""

    def make(target: "Target") -> bytes:
        from kseg import progress
        from kseg.devices.native import compiled
        from kseg.engine.codegen.llvm import compile_module
        from kseg.engine.codegen.typed.compiler import build
        from kseg.machine.clock import LENGTHENING

        progress.report("compiling the devices, once for all runs", long=True)
        functions, _refused = compiled(kinds(), lines())
        blob = compile_module(build([advance, *functions]) + LENGTHENING, target)
        return msgspec.msgpack.encode(Packed(blob.code, blob.symbols))

    def sources() -> list[Path]:
        package = Path(__file__).parents[1]
        found = [path for name in ("machine", "devices") for path in (package / name).glob("*.py")]
        here = Path(__file__)
        return [*found, here, here.with_name("burst_loop.py"), *further()]

    return Generated(name, make, sources)


class Module:
    """Native code that is in place."""

    def __init__(self, packed: bytes) -> None:
        found = msgspec.msgpack.decode(packed, type=Packed)
        self.code = MappedCode(Blob(found.code, found.symbols))
        self.symbols = found.symbols

    def address(self, symbol: str) -> int:
        """Of a function; 0 where there is none."""
        return self.code.address(symbol) if symbol in self.symbols else 0


def of_board(board: type[Board]) -> Generated:
    """The native code of a board that kseg brings along, with all the devices that it can have."""

    def folder() -> Iterable[Path]:
        return Path(sys.modules[board.__module__].__file__ or "").parent.glob("*.py")

    return generated(f"devices-{board.name}", board.device_kinds, board.lines_kind, folder)


def of_device(kind: type[Device], lines: type[Lines]) -> Generated:
    """The native code of a device that comes from elsewhere, or is on a board that does. It is
    another one on a bus with other lines, and where any of the sources has changed."""

    def files() -> Iterable[Path]:
        parts = (kind, lines, kind.live_state(), kind.State, kind.Options, kind.Facts)
        modules = {each.__module__ for part in parts if part for each in part.__mro__}
        found = (getattr(sys.modules.get(name), "__file__", None) for name in modules)
        return {Path(path) for path in found if path}

    name = f"device-{kind.__name__}-{lines.__name__}"
    return generated(name, lambda: [kind], lambda: lines, files)


def _has_source(kind: type[Device]) -> bool:
    """Whether a device is a file's, so that its native code can be kept under the file's state."""
    module = sys.modules.get(kind.__module__)
    return bool(getattr(module, "__file__", None)) and "<locals>" not in kind.__qualname__


_modules: dict[tuple[type, ...], Module] = {}
"""What is in place, by what it is for."""


def _module(code: Callable[..., Generated], *given: Any) -> Module:
    if given not in _modules:
        _modules[given] = Module(code(*given).load())
    return _modules[given]


def _loop_alone() -> Generated:
    return generated("burst-loop", tuple, lambda: Lines)


def _is_own(kind: type) -> bool:
    return kind.__module__.partition(".")[0] == __name__.partition(".")[0]


class NativeBoard:
    """A board's devices, as the burst loop finds their native code, and `advance`."""

    def __init__(self, board: Board) -> None:
        """NativeCodeError where the host allows none, ImportError where some has to be made and
        cannot be."""
        self._kept: list[Any] = []
        self.receivers: dict[object, tuple[int, int]] = {}
        """Of devices that can have the console: the native function that takes what is typed, and
        the address of its device."""
        whole = board.ready_made
        lines = type(board.bus.lines)
        accesses = []
        for card in board.cards:
            kind = type(card)
            together = whole and _is_own(kind)
            if together:
                module = _module(of_board, type(board))
            elif not _has_source(kind):
                continue
            else:
                module = _module(of_device, kind, lines)
            accesses += self._device(board, card, module)
        loop = _module(of_board, type(board)) if whole else _module(_loop_alone)
        self.advance = ADVANCE(loop.address(LOOP))
        self._fill_table(board, accesses)

    def _fill_table(self, board: Board, accesses: Sequence[Access]) -> None:
        room = 1
        while room < 2 * len(accesses) + 2:
            room *= 2
        table = (Access * room)()
        for access in accesses:
            place = first_place(access.address) & room - 1
            while table[place].address:
                place = place + 1 & room - 1
            table[place] = access
        self._kept.append(table)
        board.record.accesses_address = ctypes.addressof(table)
        board.record.accesses_mask = room - 1

    def _device(self, board: Board, card: Device, module: Module) -> list[Access]:
        """The words of a device that has native code, and its events."""
        kind, record = type(card), DeviceRecord(card.slot, card.number)
        record.board_address = ctypes.addressof(board.record)
        record.state_address = ctypes.addressof(card.state)
        if kind.Options is not None:
            options = live(kind.Options)(card.options)
            record.options_address = ctypes.addressof(options)
            self._kept.append(options)
        if kind.Facts is not None:
            record.facts_address = ctypes.addressof(card.facts)
        self._kept.append(record)
        address = ctypes.addressof(record)
        found = []
        for register in kind.registers:
            loads = module.address(access_symbol(kind, "read", register))
            stores = module.address(access_symbol(kind, "write", register))
            for number in range(card.count(register)):
                if loads or stores:
                    place = card.base + register.offset + number * register.stride
                    several = register.count > 1
                    access = Access(place, address, loads, stores, number, several)
                    access.steady = register.steady
                    found.append(access)
        receiver = module.address(receiver_symbol(kind))
        if receiver:
            self.receivers[card] = receiver, address
        for event, name in enumerate(kind.events):
            function = module.address(event_symbol(kind, name))
            if card.number < MOST_OWNERS and event < MOST_EVENTS and function:
                handlers = board.record.handlers
                handlers[card.number * MOST_EVENTS + event] = Handler(function, address)
        return found


class Callbacks:
    """What native code calls in Python, for a run loop: it raises nothing there. `raised` is what
    would have been."""

    def __init__(self, owner: "RunLoop") -> None:
        self.raised: BaseException | None = None
        reference = weakref.ref(owner)

        def guarded(act: Callable[..., int | None], failed: int = 1) -> Callable[..., int]:
            def do(*arguments: int) -> int:
                owner = reference()
                assert owner is not None
                try:
                    return act(owner, *arguments) or 0
                except BaseException as error:
                    self.raised = error
                    owner.board.record.raised = True
                    return failed

            return do

        self.happen = HAPPEN(guarded(_happen))
        self.call = CALL(guarded(_call))
        self.flush = TELL(guarded(lambda owner: owner.flush()))
        self.grow = TELL(guarded(lambda owner: owner.board.clock.grow()))
        self.run = RUN(guarded(_run, failed=Why.RAISED))
        self.skip = SKIP(guarded(lambda owner, cycles: owner.driver.skip(cycles)))


def _happen(owner: "RunLoop", _board: int, number: int, name: int, argument: int) -> None:
    owner.flush()  # What the event leads to comes after what was printed.
    owner.driver.happen(number, name, argument)


def _call(owner: "RunLoop", number: int, method: int, argument: int) -> int | None:
    owner.flush()
    device = owner.board.clock.owners.targets[number]
    assert isinstance(device, Device)
    act = getattr(device, by_python_methods(type(device))[method])
    result: int | None = act(argument) if act.__code__.co_argcount > 1 else act()
    return result


def _run(owner: "RunLoop", _shared: int, until: int) -> int:
    return int(owner.driver.run(until))


def address_of(callback: Any) -> int:
    """The address at which native code calls it."""
    found = ctypes.cast(callback, ctypes.c_void_p).value
    assert found is not None
    return found


def native_board(board: Board) -> NativeBoard | None:
    """A board's native code; None where the host allows none: then CPython does all of it."""
    try:
        return NativeBoard(board)
    except (NativeCodeError, ImportError):
        return None

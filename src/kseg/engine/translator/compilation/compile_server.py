"""The compile server: a process that makes translations, with requests on stdin, answers on stdout.

LLVM lives here and not in the guest's process: it ends its process when it cannot allocate
registers, keeps some memory for ever, and would share Python's lock with the machine's devices.
Each message is a length of four bytes and msgpack; nothing else is ever read.
"""

import os
import struct
import sys
from collections.abc import Callable

import msgspec

from kseg.engine.codegen import cache
from kseg.engine.translator.compilation.messages import Answer, Request
from kseg.platform import signals, waiting

LENGTH = struct.Struct("<I")
LONGEST_MESSAGE = 16 << 20
FAREWELL = LENGTH.pack(0)
"""The last message of a process that ends because it wants to: another may be started."""
MOST_TRANSLATIONS = 500
"""After so many the process ends, and with it what LLVM has kept; the next request starts one."""
IDLE_SECONDS = 20.0
LONGEST_COMPILATION = 30
"""Seconds after which a compilation is given up, and with it the process."""

_decoder = msgspec.msgpack.Decoder(Request)


def main() -> None:
    """Answer requests until there are no more, or none for a while."""
    # Ctrl-C and the like are meant for the machine, whose end closes stdin.
    signals.ignore(signals.INTERRUPT)
    cache.make_no_directory()
    from kseg.engine.translator.compilation.keys import key_for
    from kseg.engine.translator.compilation.store import Store
    from kseg.engine.translator.llvm.compiler import Compiler

    compiler = Compiler()
    stores: dict[tuple[str, str], Store] = {}
    # Found now: by the sources that this process was started from.
    key_for("", "")
    for _ in range(MOST_TRANSLATIONS):
        if not waiting.readable(0, IDLE_SECONDS):
            break
        request = _read_request()
        if request is None:
            return
        # LLVM hears nothing but this. Nobody else may be left to end it.
        signals.end_after(LONGEST_COMPILATION)
        answer = _answer(compiler.answer, request)
        signals.end_after(0)
        _write(answer)
        # Also where the machine has ended meanwhile: the next one will be glad of it.
        if answer.translation is not None:
            kind = request.profile, request.byte_order
            store = stores.get(kind) or stores.setdefault(kind, Store(*kind))
            store.add(request.seed >> 12, answer.translation)
    _send(FAREWELL)


def _answer(translate: Callable[[Request], Answer], request: Request) -> Answer:
    """A defect, or a missing LLVM, is an answer too: the next request may do better."""
    try:
        return translate(request)
    except Exception as error:
        return Answer(request.number, None, f"{type(error).__name__}: {error}")


def _read_request() -> Request | None:
    """The next request; None at the end, or if what came is none."""
    head = _read_exactly(LENGTH.size)
    if head is None:
        return None
    (length,) = LENGTH.unpack(head)
    message = _read_exactly(length) if length <= LONGEST_MESSAGE else None
    if message is None:
        return None
    try:
        return _decoder.decode(message)
    except msgspec.MsgspecError:
        return None


def _read_exactly(length: int) -> bytes | None:
    found = b""
    while len(found) < length:
        more = os.read(0, length - len(found))
        if not more:
            return None
        found += more
    return found


def _write(answer: Answer) -> bool:
    """Send an answer; False if the machine has gone."""
    content = msgspec.msgpack.encode(answer)
    return _send(LENGTH.pack(len(content)) + content)


def _send(message: bytes) -> bool:
    try:
        sys.stdout.buffer.write(message)
        sys.stdout.buffer.flush()
    except OSError:
        # Python must not try again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return False
    return True


if __name__ == "__main__":
    main()

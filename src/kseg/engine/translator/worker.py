"""The process that makes translations: requests come in on stdin, answers go out on stdout.

LLVM lives here and not beside the guest: it ends its process when it cannot allocate registers,
keeps some memory for ever, and would share Python's lock with the machine's devices. Each message
is a length of four bytes and msgpack; nothing else is ever read.
"""

import os
import select
import signal
import struct
import sys
import warnings

import msgspec

from kseg.engine.translator.messages import Answer, Request

LENGTH = struct.Struct("<I")
LONGEST_MESSAGE = 16 << 20
MOST_TRANSLATIONS = 500
"""After so many the process ends, and with it what LLVM has kept; the next request starts one."""
IDLE_SECONDS = 20.0


def main() -> None:
    """Answer requests until there are no more, or none for a while."""
    # Ctrl-C and the like are meant for the machine, whose end closes stdin.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    warnings.simplefilter("ignore")
    from kseg.engine.translator.compiler import Compiler
    from kseg.engine.translator.store import Store

    compiler = Compiler()
    decoder = msgspec.msgpack.Decoder(Request)
    for _ in range(MOST_TRANSLATIONS):
        if not select.select([0], [], [], IDLE_SECONDS)[0]:
            return
        message = _read_message()
        if message is None:
            return
        request = decoder.decode(message)
        answer = compiler.answer(request)
        heard = _write_message(answer)
        # Also where the machine has ended meanwhile: the next one will be glad of it.
        if answer.translation is not None:
            store = Store(request.profile, request.byte_order)
            store.add(request.seed >> 12, answer.translation)
        if not heard:
            return


def _read_message() -> bytes | None:
    length = _read_exactly(LENGTH.size)
    return None if length is None else _read_exactly(*LENGTH.unpack(length))


def _read_exactly(length: int) -> bytes | None:
    found = b""
    while len(found) < length:
        more = os.read(0, length - len(found))
        if not more:
            return None
        found += more
    return found


def _write_message(answer: Answer) -> bool:
    """Send an answer; False if nobody is there."""
    content = msgspec.msgpack.encode(answer)
    try:
        sys.stdout.buffer.write(LENGTH.pack(len(content)) + content)
        sys.stdout.buffer.flush()
    except OSError:
        # Python must not try again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return False
    return True


if __name__ == "__main__":
    main()

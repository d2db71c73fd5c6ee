"""Packets of the remote serial protocol: from bytes, and to bytes.

`$data#checksum`, the checksum being the sum of the bytes of data, modulo 256, in two hexadecimal
digits; `}` escapes a byte, which follows with bit 5 inverted (GDB manual, "Overview" of the
appendix).
"""

import re
from enum import Enum

PACKET_SIZE = 0x4000
"""Bytes of data in a packet, at most, each way."""

_ESCAPE = ord("}")


class Malformed(ValueError):
    """A packet is not what the protocol has."""


class Sign(Enum):
    """What comes between packets."""

    INTERRUPT = b"\x03"
    """Ctrl-C: stop the guest."""
    AGAIN = b"-"
    """The last packet did not arrive: send it again."""
    DAMAGED = b""
    """A packet came with a wrong checksum, or longer than PACKET_SIZE."""


_SIGNS = {0x03: Sign.INTERRUPT, ord("-"): Sign.AGAIN}
_NO_SIGNS = bytes(byte for byte in range(256) if byte not in _SIGNS)


def packet(data: bytes) -> bytes:
    escaped = re.sub(rb"[$#}*]", lambda found: bytes((_ESCAPE, found[0][0] ^ 0x20)), data)
    return b"$%b#%02x" % (escaped, sum(escaped) & 0xFF)


class Reader:
    """Finds packets and signs in a stream of bytes, however that is cut."""

    def __init__(self) -> None:
        self._data: bytearray | None = None
        self._checksum: bytearray | None = None
        self._too_long = False

    def feed(self, received: bytes) -> list[bytes | Sign]:
        """What is complete with these bytes: the data of packets, and signs."""
        found: list[bytes | Sign] = []
        at = 0
        while at < len(received):
            if self._checksum is not None:
                part = received[at : at + 2 - len(self._checksum)]
                self._checksum += part
                at += len(part)
                if len(self._checksum) == 2:
                    found.append(self._complete())
            elif self._data is None:
                begin = received.find(b"$", at)
                between = received[at : begin if begin >= 0 else None]
                found += [_SIGNS[byte] for byte in between.translate(None, _NO_SIGNS)]
                at += len(between)
                if begin >= 0:
                    self._data, self._too_long = bytearray(), False
                    at += 1
            else:
                end = received.find(b"#", at)
                part = received[at : end if end >= 0 else None]
                at += len(part) + 1
                self._take(part)
                if end >= 0:
                    self._checksum = bytearray()
        return found

    def _take(self, part: bytes) -> None:
        """The next bytes of a packet."""
        assert self._data is not None
        again = part.rfind(b"$")
        if again >= 0:
            # In the middle of a packet: the rest of that was lost.
            self._data, self._too_long = bytearray(), False
            part = part[again + 1 :]
        room = 2 * PACKET_SIZE - len(self._data)
        self._data += part[:room]
        self._too_long |= len(part) > room

    def _complete(self) -> bytes | Sign:
        data, checksum, too_long = self._data, self._checksum, self._too_long
        self._data = self._checksum = None
        assert data is not None
        assert checksum is not None
        if too_long or checksum.lower() != b"%02x" % (sum(data) & 0xFF):
            return Sign.DAMAGED
        # Half of an escaped byte is none.
        return re.sub(rb"}(.?)", lambda found: bytes(b ^ 0x20 for b in found[1]), data, flags=re.S)


def number(text: bytes) -> int:
    """A number in hexadecimal, as packets have them; Malformed if it is none."""
    if not text or len(text) > 16 or text.strip(b"0123456789abcdefABCDEF"):
        raise Malformed(f"{text!r} is no number")
    return int(text, 16)


def address(text: bytes) -> int:
    """A 32-bit address; GDB may extend its sign to 64 bits."""
    return number(text) & 0xFFFFFFFF


def contents(text: bytes) -> bytes:
    """Bytes in hexadecimal; Malformed if they are none."""
    try:
        return bytes.fromhex(text.decode("ascii"))
    except ValueError:
        raise Malformed("no bytes in hexadecimal") from None


def pair(text: bytes, separator: bytes = b",") -> tuple[bytes, bytes]:
    """The parts before and after the first separator; Malformed where there is none."""
    before, found, after = text.partition(separator)
    if not found:
        raise Malformed(f"no {separator!r} in {text[:40]!r}")
    return before, after

"""The bytes of a snapshot file: a preamble, a header (msgpack), and pages (zstandard).

    offset  bytes
     0      8      "KSEGSNAP"
     8      4      version of the format, little-endian as all numbers here
    12      4      size of the header
    16      8      size of the compressed pages
    24      32     BLAKE2b-256 of bytes 0 to 23 and the header: the snapshot's identity
    56             the header, then the compressed pages, then nothing

Whatever a file says is checked before it is believed, and sizes before memory is taken for them.
"""

import struct

import msgspec

from kseg import progress
from kseg.errors import StateError
from kseg.history.state import MOST_PAGES, Header
from kseg.memory.pages import PAGE_SIZE, PAGES_AT_ONCE
from kseg.platform import compression
from kseg.platform.digests import blake2b

MAGIC = b"KSEGSNAP"
OLDEST, VERSION = 1, 1
"""Versions of the format that are read, and the one that is written."""

DIGEST_SIZE = 32
PAGES_REPORTED = 4096
"""Pages between two reports of progress."""
MOST_HEADER = 32 << 20
MOST_COMPRESSED = MOST_PAGES * (PAGE_SIZE + 64)

_PREAMBLE = struct.Struct("<8sIIQ")
PREAMBLE_SIZE = _PREAMBLE.size + DIGEST_SIZE

_LEVEL = 1


class Preamble(msgspec.Struct, frozen=True):
    """The beginning of a file, checked."""

    header_size: int
    body_size: int
    identity: bytes
    signed: bytes


def digest(data: bytes | memoryview) -> bytes:
    """The address of a page, and what guards everything else."""
    return blake2b(data, digest_size=DIGEST_SIZE).digest()


def pack(header: Header, pages: list[bytes]) -> bytes:
    """A snapshot file's bytes; StateError if that is more than can be read again."""
    return b"".join(pack_pieces(header, pages))


def pack_pieces(header: Header, pages: list[bytes]) -> list[bytes]:
    """The same in pieces, which are not copied to be written."""
    try:
        packed = msgspec.msgpack.encode(header)
    except UnicodeEncodeError:
        raise StateError("a name in the machine's configuration is not UTF-8") from None
    except OverflowError as error:
        raise StateError(f"the machine has a number that is too large: {error}") from None
    joined = (
        b"".join(pages[at : at + PAGES_AT_ONCE]) for at in range(0, len(pages), PAGES_AT_ONCE)
    )
    body = compression.compress_pieces(joined, len(pages) * PAGE_SIZE, _LEVEL)
    if len(packed) > MOST_HEADER or header.stored > MOST_PAGES:
        raise StateError(
            f"the machine is too large for a snapshot: {len(packed) >> 20}M besides memory"
            f" (at most {MOST_HEADER >> 20}M), {header.stored * PAGE_SIZE >> 20}M of memory and"
            f" disks (at most {MOST_PAGES * PAGE_SIZE >> 20}M)"
        )
    _decode(packed)  # What could not be read again is not written.
    signed = _PREAMBLE.pack(MAGIC, VERSION, len(packed), sum(map(len, body)))
    return [signed + digest(signed + packed) + packed, *body]


def read_preamble(data: bytes) -> Preamble:
    """Read the first PREAMBLE_SIZE bytes of a file; StateError says what is wrong with them."""
    if not data.startswith(MAGIC):
        raise StateError("not a snapshot of kseg")
    if len(data) < PREAMBLE_SIZE:
        raise StateError("the snapshot is cut short")
    _, version, header_size, body_size = _PREAMBLE.unpack_from(data)
    if not OLDEST <= version <= VERSION:
        reads = f"{VERSION}" if OLDEST == VERSION else f"{OLDEST} to {VERSION}"
        raise StateError(f"the snapshot is version {version}, this kseg reads {reads}")
    if header_size > MOST_HEADER or body_size > MOST_COMPRESSED:
        raise StateError("the snapshot claims to be larger than any machine")
    signed = data[: _PREAMBLE.size]
    return Preamble(header_size, body_size, data[_PREAMBLE.size : PREAMBLE_SIZE], signed)


def header_size(data: bytes) -> int:
    """How large a header may be, from the first PREAMBLE_SIZE bytes, which were not checked."""
    if len(data) < PREAMBLE_SIZE:
        return 0
    return min(int(_PREAMBLE.unpack_from(data)[2]), MOST_HEADER)


def read_header(preamble: Preamble, packed: bytes) -> Header:
    """Read the header; StateError when it is damaged or says impossible things."""
    if len(packed) != preamble.header_size:
        raise StateError("the snapshot is cut short")
    if digest(preamble.signed + packed) != preamble.identity:
        raise StateError("the snapshot is damaged: its header does not match its digest")
    header = _decode(packed)
    count, odd = divmod(len(header.digests), DIGEST_SIZE)
    if odd or count > MOST_PAGES or header.stored > count:
        raise StateError("the snapshot's list of pages is impossible")
    if header.stored < count and header.base is None:
        raise StateError("the snapshot lacks pages and names no base")
    if len(set(page_digests(header))) < count:
        raise StateError("the snapshot lists a page twice")
    return header


def _decode(packed: bytes) -> Header:
    """What a header says; StateError when that is impossible, before much memory is taken."""
    try:
        header = msgspec.msgpack.decode(packed, type=Header)
    except (msgspec.MsgspecError, ValueError, RecursionError, OverflowError) as error:
        raise StateError(f"the snapshot's header cannot be read: {error}") from None
    origin = header.origin
    if any("\0" in path for path in (origin.kernel, origin.directory)):
        raise StateError("the snapshot's header has a path with a NUL character")
    pages = sum(len(each.pages) for each in header.board.regions.values())
    pages += sum(len(each.pages) for each in header.board.disks.values())
    if pages > MOST_PAGES:
        raise StateError(f"more than {MOST_PAGES * PAGE_SIZE >> 20}M of memory and disks")
    return header


def page_digests(header: Header) -> list[bytes]:
    """Of every page that a snapshot needs."""
    digests = header.digests
    return [digests[at : at + DIGEST_SIZE] for at in range(0, len(digests), DIGEST_SIZE)]


def read_pages(header: Header, body: bytes) -> dict[bytes, bytes]:
    """The pages in a file, by digest; StateError when they are not what the header says. Takes
    memory for as many pages as the header lists, whatever `body` claims."""
    size = header.stored * PAGE_SIZE
    try:
        if compression.content_size(body) != size:
            raise StateError("the snapshot's pages are not as many as its header says")
        checked = compression.has_checksum(body)
        names, pages = iter(page_digests(header)), {}
        for piece in compression.decompress_pieces(body, size, PAGES_AT_ONCE * PAGE_SIZE):
            for at in range(0, len(piece), PAGE_SIZE):
                pages[next(names)] = piece[at : at + PAGE_SIZE]
    except (compression.CompressionError, MemoryError) as error:
        raise StateError(f"the snapshot is damaged: {error}") from None
    if not checked:
        _check_pages(pages)
    return pages


def _check_pages(pages: dict[bytes, bytes]) -> None:
    """What was written before there were checksums: StateError for a page that is another one."""
    for number, (expected, page) in enumerate(pages.items()):
        if digest(page) != expected:
            raise StateError(f"the snapshot is damaged: page {number} does not match its digest")
        if number % PAGES_REPORTED == 0:
            progress.report(f"checking pages: {progress.share(number, len(pages))}")

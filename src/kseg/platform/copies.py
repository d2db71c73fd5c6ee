"""Copies of large files: with their holes, their owner, and room for what is to be written."""

import errno
import os
import resource
import stat

PIECE = 1 << 20
"""Bytes that are copied at a time."""


def write_at(file: int, data: bytes, offset: int) -> None:
    """All of `data` at an offset; OSError."""
    done = 0
    while done < len(data):
        done += os.pwrite(file, data[done:], offset + done)


def keep_attributes(copy: int, status: os.stat_result) -> None:
    """Owner and permissions; OSError when the owner cannot be kept."""
    own = os.fstat(copy)
    if (own.st_uid, own.st_gid) != (status.st_uid, status.st_gid):
        os.fchown(copy, status.st_uid, status.st_gid)
    os.fchmod(copy, stat.S_IMODE(status.st_mode))


def copy(source: int, target: int, size: int) -> None:
    """The bytes of a file, and its holes; OSError."""
    os.ftruncate(target, size)
    start = 0
    while start < size:
        try:
            start = os.lseek(source, start, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # Nothing but a hole follows.
                return
            raise
        end = os.lseek(source, start, os.SEEK_HOLE)
        while start < end:
            data = os.pread(source, min(PIECE, end - start), start)
            if not data:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            write_at(target, data, start)
            start += len(data)


def check_size(size: int) -> None:
    """OSError if this process may make no file as large as `size`."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    if limit != resource.RLIM_INFINITY and size > limit:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))


def reserve(file: int, offset: int, length: int) -> None:
    """Have room for what is written there later; OSError when there is none. Not everything that
    can be written can reserve room, nor can every host."""
    if not hasattr(os, "posix_fallocate"):
        return
    try:
        os.posix_fallocate(file, offset, length)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENODEV, errno.ESPIPE):
            raise

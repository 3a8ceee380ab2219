"""Atomic writes to disk, and disk failures in one line."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gpae.errors import UserError


@contextmanager
def disk_errors(action: str) -> Iterator[None]:
    """Turn an ``OSError`` raised inside into one line for the user.

    Args:
        action: The action, to follow the word "cannot".

    Raises:
        UserError: The disk is full, access was denied, or another input or output error occurred.
    """
    try:
        yield
    except OSError as error:
        raise UserError(f"cannot {action}: {error.strerror or error}") from error


def sync(path: Path) -> None:
    """Make a file's contents, or a folder's entries, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, contents: bytes) -> None:
    """Write or replace a file in one step: a reader, or a crash, sees the old contents or the new.

    Args:
        path: The file; its folder must exist.
        contents: Everything it shall hold.

    Raises:
        OSError: It could not be written; an earlier file of that name is untouched.
    """
    if not path.name:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    temporary = path.with_name(f"{path.name}.partial")
    try:
        with temporary.open("wb") as stream:
            stream.write(contents)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync(path.parent)

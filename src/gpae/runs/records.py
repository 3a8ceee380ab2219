"""An append-only file of JSON records, one a line, which a crash cannot spoil."""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from gpae.errors import UserError
from gpae.runs.files import disk_errors, write_atomically


class RecordFile:
    """Append-only JSON lines.

    A line is whole once it ends in a newline. What follows the last newline is the remains of a
    write that a crash cut off: reading ignores it and the next append removes it. Only valid JSON
    is written, so NaN and the infinities become ``null``.

    Args:
        path: The file. It is created by the first append; its folder must exist by then.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._stream: BinaryIO | None = None

    def append(self, record: Mapping[str, Any]) -> None:
        """Add one record: the whole line reaches the operating system, or nothing does.

        Args:
            record: Numbers, strings, lists and mappings; arrays of any library become lists.

        Raises:
            UserError: The disk is full or the file cannot be written; its lines are still whole.
            TypeError: A value has no JSON form.
        """
        line = json.dumps(_plain(record), allow_nan=False).encode() + b"\n"
        with disk_errors(f"write to {self.path}"):
            stream = self._opened()
            start = stream.seek(0, os.SEEK_END)
            try:
                _write_fully(stream, line)
            except BaseException:
                stream.truncate(start)
                raise

    def sync(self) -> None:
        """Make every record appended so far survive a power cut.

        Raises:
            UserError: The disk refused.
        """
        if self._stream is not None:
            with disk_errors(f"write to {self.path}"):
                os.fsync(self._stream.fileno())

    def read(self) -> list[dict[str, Any]]:
        """Read every whole record; an absent file has none.

        Raises:
            UserError: The file cannot be read, or one of its lines is not a JSON object.
        """
        return [self._parse(number, line) for number, line in enumerate(self._lines(), start=1)]

    def truncate_after(self, key: str, value: float) -> int:
        """Drop the records a resumed run is about to write again.

        The lines that stay keep their bytes. The file is replaced in one step, and left alone where
        there is nothing to drop.

        Args:
            key: The counter to compare, such as ``"update"``.
            value: Records whose counter is greater go; those without the counter stay.

        Returns:
            How many records went.

        Raises:
            UserError: The file cannot be read or replaced.
        """
        lines = self._lines()
        kept = [
            line
            for number, line in enumerate(lines, start=1)
            if self._parse(number, line).get(key, value) <= value
        ]
        if len(kept) < len(lines):
            self.close()
            with disk_errors(f"write to {self.path}"):
                write_atomically(self.path, b"".join(line + b"\n" for line in kept))
        return len(lines) - len(kept)

    def close(self) -> None:
        """Close the file; a later append opens it again."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _opened(self) -> BinaryIO:
        if self._stream is None:
            stream = self.path.open("ab+", buffering=0)
            _remove_torn_line(stream)
            self._stream = stream
        return self._stream

    def _lines(self) -> list[bytes]:
        with disk_errors(f"read {self.path}"):
            try:
                contents = self.path.read_bytes()
            except FileNotFoundError:
                return []
        return contents.split(b"\n")[:-1]

    def _parse(self, number: int, line: bytes) -> dict[str, Any]:
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if not isinstance(record, dict):
            raise UserError(f"{self.path} is damaged: line {number} is not a JSON object")
        return record


def _remove_torn_line(stream: BinaryIO) -> None:
    stream.seek(0)
    stream.truncate(stream.read().rfind(b"\n") + 1)


def _write_fully(stream: BinaryIO, contents: bytes) -> None:
    """Write all of it; an unbuffered file may take less than offered, and then names the cause."""
    rest = memoryview(contents)
    while rest:
        rest = rest[stream.write(rest) :]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value

"""Manifest of a checkpoint: its files, their digests, and the arrays inside."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from gpae.runs.files import sync, write_atomically


class DamagedError(Exception):
    """A checkpoint is not what its manifest says; the message says in which way."""


@dataclass(frozen=True)
class Manifest:
    """Contents of a complete checkpoint.

    Attributes:
        step: The update it was taken after.
        folder: Name of the folder with its data, beside the manifest.
        sizes: Bytes of each file, by its path inside that folder.
        digests: SHA-256 of each file, hexadecimal, likewise.
        arrays: Type and shape of each array by name, such as ``"float32[64,5]"``.
    """

    step: int
    folder: str
    sizes: dict[str, int]
    digests: dict[str, str]
    arrays: dict[str, str]

    @classmethod
    def of_folder(cls, step: int, folder: Path, arrays: dict[str, str]) -> Self:
        """Describe the files of a finished folder, once they would survive a power cut.

        Raises:
            OSError: A file cannot be read.
        """
        entries = sorted(folder.rglob("*"))
        for entry in (*entries, folder, folder.parent):
            sync(entry)
        files = [entry for entry in entries if entry.is_file()]
        names = [str(file.relative_to(folder)) for file in files]
        sizes = {name: file.stat().st_size for name, file in zip(names, files, strict=True)}
        digests = {name: _digest(file) for name, file in zip(names, files, strict=True)}
        return cls(step, folder.name, sizes, digests, arrays)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a manifest.

        Raises:
            DamagedError: It cannot be read, or is not a manifest.
        """
        try:
            manifest = cls(**json.loads(path.read_bytes()))
        except OSError as error:
            raise DamagedError(f"{path.name} cannot be read ({error.strerror})") from error
        except (ValueError, TypeError) as error:
            raise DamagedError(f"{path.name} is not a manifest") from error
        if Path(manifest.folder).name != manifest.folder:
            raise DamagedError(f"{path.name} names a folder elsewhere")
        return manifest

    def write(self, path: Path) -> None:
        """Write it in one step; the checkpoint is complete from then on.

        Raises:
            OSError: It could not be written.
        """
        write_atomically(path, json.dumps(asdict(self), indent=1).encode() + b"\n")

    def verify(self, parent: Path) -> None:
        """Check every file against its size and digest.

        Args:
            parent: The folder that holds the data folder.

        Raises:
            DamagedError: A file is missing, cut short, too long, altered, or cannot be read.
        """
        for name, size in self.sizes.items():
            file = parent / self.folder / name
            try:
                found = file.stat().st_size
                altered = found == size and _digest(file) != self.digests[name]
            except FileNotFoundError as error:
                raise DamagedError(f"{self.folder}/{name} is missing") from error
            except OSError as error:
                raise DamagedError(f"{self.folder}/{name}: {error.strerror}") from error
            if found != size:
                raise DamagedError(f"{self.folder}/{name} has {found} bytes instead of {size}")
            if altered:
                raise DamagedError(f"{self.folder}/{name} has changed")


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

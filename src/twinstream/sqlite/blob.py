"""The bytes of files and messages (`ports.content.Blobs`): files in a folder beside the database.

Invariant: a file appears under its own name whole and on the disk, or not at all; until then its name ends in
``.part``. What a failure leaves behind is never taken for whole: after a failed fsync nobody knows what is on the disk.
Names are the ids of datapoints, which nobody outside chooses.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from twinstream.sqlite.database import rename_durably
from twinstream.sqlite.failure import as_storage_error

FOLDER = "blobs"


class FolderBlobs:
    """See the module."""

    def __init__(self, data: Path) -> None:
        self._folder = data / FOLDER
        self._folder.mkdir(mode=0o700, exist_ok=True)

    def write(self, datapoint_id: str, content: bytes) -> None:
        """Store all bytes at once."""
        part = self._part(datapoint_id)
        with self._whole_or_not(datapoint_id):
            part.write_bytes(content)
            rename_durably(part, self._folder / datapoint_id)

    def size(self, datapoint_id: str) -> int:
        """Answer how many bytes have come."""
        try:
            return self._part(datapoint_id).stat().st_size
        except FileNotFoundError:
            return 0

    def append(self, datapoint_id: str, start: int, content: bytes) -> None:
        """Write a part."""
        try:
            self._append(datapoint_id, start, content)
        except OSError as error:
            raise as_storage_error(error) from error

    def finish(self, datapoint_id: str) -> None:
        """Make one whole."""
        part, whole = self._part(datapoint_id), self._folder / datapoint_id
        if whole.exists() and not part.exists():
            return
        with self._whole_or_not(datapoint_id):
            part.touch(0o600)
            rename_durably(part, whole)

    def read(self, datapoint_id: str) -> bytes | None:
        """Answer all bytes."""
        try:
            return (self._folder / datapoint_id).read_bytes()
        except FileNotFoundError:
            return None

    def remove(self, datapoint_id: str) -> None:
        """Delete one."""
        for path in (self._part(datapoint_id), self._folder / datapoint_id):
            path.unlink(missing_ok=True)

    def list_older(self, age_s: float) -> Sequence[str]:
        """List the ids of old ones; the clock is that of the file system."""
        before = time.time() - age_s
        return sorted(
            {path.name.removesuffix(".part") for path in self._folder.iterdir() if path.stat().st_mtime < before}
        )

    def _append(self, datapoint_id: str, start: int, content: bytes) -> None:
        if start > self.size(datapoint_id):
            raise ValueError("a part begins behind the end")
        descriptor = os.open(self._part(datapoint_id), os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.ftruncate(descriptor, start)  # Why: what was there is sent again, and may be shorter this time
            view = memoryview(content)
            while view:
                written = os.pwrite(descriptor, view, start)
                start, view = start + written, view[written:]
        finally:
            os.close(descriptor)

    @contextmanager
    def _whole_or_not(self, datapoint_id: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            with suppress(OSError):
                self.remove(datapoint_id)
            raise as_storage_error(error) from error

    def _part(self, datapoint_id: str) -> Path:
        return self._folder / f"{datapoint_id}.part"

"""What a failure of SQLite means to the caller and to the process.

Owns the difference between a full disk (try again later), a failed disk (this call failed) and a failed fsync (nothing
that this process writes can be believed any more: the kernel may have dropped pages that SQLite takes for written).
"""

from __future__ import annotations

import errno

import apsw

from twinstream.errors import RequestError

_FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FSYNC_FAILURES = frozenset({apsw.SQLITE_IOERR_FSYNC, apsw.SQLITE_IOERR_DIR_FSYNC})
_STORAGE_ERRORS = (
    apsw.BusyError,
    apsw.CantOpenError,
    apsw.CorruptError,
    apsw.FullError,
    apsw.IOError,
    apsw.LockedError,
    apsw.NoMemError,
    apsw.NotADBError,
    apsw.PermissionsError,
    apsw.ReadOnlyError,
)


def as_request_error(error: BaseException, connection: apsw.Connection) -> BaseException:
    """Answer what the caller is to be told; an error that is not the storage's stays as it is (a bug, then)."""
    if not isinstance(error, _STORAGE_ERRORS):
        return error
    if isinstance(error, apsw.FullError) or (
        isinstance(error, apsw.IOError) and connection.system_errno in _FULL_ERRNOS
    ):
        return RequestError("storage_full", retry_after_s=10)
    return RequestError("storage_failed", retry_after_s=10)


def as_storage_error(error: OSError) -> RequestError:
    """Answer what the caller is to be told of a file beside the database that could not be written."""
    return RequestError("storage_full" if error.errno in _FULL_ERRNOS else "storage_failed", retry_after_s=10)


def is_fsync_failure(error: BaseException) -> bool:
    """Tell whether an fsync failed."""
    return isinstance(error, apsw.IOError) and getattr(error, "extendedresult", 0) in _FSYNC_FAILURES

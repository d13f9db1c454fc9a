"""A look at the data folder before a server starts: on what kind of file system it lies.

Owns which file systems are known to break a promise of the log. Whether the folder can be used at all is found out by
using it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

MOUNT_TABLE = Path("/proc/self/mountinfo")

NETWORK_FILE_SYSTEMS = frozenset(
    {
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "coda",
        "davfs",
        "fuse.davfs2",
        "fuse.glusterfs",
        "fuse.rclone",
        "fuse.s3fs",
        "fuse.sshfs",
        "gfs2",
        "glusterfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "ocfs2",
        "smb3",
        "smbfs",
    }
)
"""By the names of proc_pid_mountinfo(5). Locks and fsync of these may do less than they say, and a write-ahead log
needs memory shared between processes of one machine (sqlite.org/wal.html, "Disadvantages")."""


def judge_folder(folder: Path, mount_table: str | None = None) -> list[str]:
    """Answer warnings about the place of a folder, which need not exist yet.

    ``mount_table`` is the text of /proc/self/mountinfo; the machine's own if None.
    """
    if mount_table is None:
        try:
            mount_table = MOUNT_TABLE.read_text(errors="surrogateescape")
        except OSError:
            return []
    kind = _find_file_system(Path(os.path.realpath(folder)), mount_table)
    if kind not in NETWORK_FILE_SYSTEMS:
        return []
    return [f"data: {folder} is on a network file system ({kind}), on which events can be lost; give it a local disk"]


def _find_file_system(path: Path, mount_table: str) -> str:
    """Answer the type of the mount that is nearest above the path; of two at one place the later hides the earlier."""
    found, depth = "", 0
    for line in mount_table.splitlines():
        mount, _, source = line.partition(" - ")
        fields = mount.split(" ")
        if len(fields) < 5 or not source:
            continue
        point = Path(_OCTAL.sub(lambda code: chr(int(code[1], 8)), fields[4]))
        if path.is_relative_to(point) and len(point.parts) >= depth:
            found, depth = source.split(" ")[0], len(point.parts)
    return found


_OCTAL = re.compile(r"\\([0-7]{3})")
"""How blanks in a mount point are written."""

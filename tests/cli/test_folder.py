"""Which places of a data folder are warned of."""

from __future__ import annotations

from pathlib import Path

import pytest

from twinstream.cli.folder import judge_folder

MOUNT_TABLE = r"""
22 28 0:20 / / rw,relatime - ext4 /dev/sda1 rw
40 22 0:42 / /mnt/my\040share rw,relatime shared:1 - nfs4 server:/export rw
41 40 0:43 / /mnt/my\040share/local rw - xfs /dev/sdb1 rw
42 22 0:44 / /home rw - cifs //server/home rw
43 22 0:45 / /home rw - btrfs /dev/sdc rw
broken line
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/var/lib/twinstream", None),
        ("/mnt/my share/new/folder", "nfs4"),
        ("/mnt/my share/local/folder", None),
        ("/mnt/my share more", None),
        ("/home/ada", None),
    ],
)
def test_a_network_file_system_is_warned_of(folder: str, kind: str | None) -> None:
    """The nearest mount decides, and of two at one place the later one."""
    warnings = judge_folder(Path(folder), MOUNT_TABLE)
    assert [f"({kind})" in warning for warning in warnings] == ([True] if kind else [])


def test_a_link_is_followed(tmp_path: Path) -> None:
    """What counts is where the files come to lie."""
    (tmp_path / "link").symlink_to("/mnt/my share")
    assert len(judge_folder(tmp_path / "link" / "data", MOUNT_TABLE)) == 1


def test_this_machine_s_own_table_can_be_read(tmp_path: Path) -> None:
    """Whatever the temporary folder lies on, it is judged."""
    assert len(judge_folder(tmp_path)) <= 1

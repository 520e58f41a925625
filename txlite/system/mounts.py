"""Which file system a directory lies on, and whether that is a network's.

SQLite's write-ahead log needs memory shared between all its users (https://sqlite.org/wal.html), which no network file
system gives, though it often seems to work there. So they are recognised by their type. Used by `store`, and by
`doctor`.
"""

from __future__ import annotations

import os

NETWORK_FILE_SYSTEMS = frozenset(
    "nfs nfs4 cifs smb3 smbfs afs ncpfs 9p ceph lustre gpfs beegfs panfs pvfs2 orangefs wekafs dvs cvfs gfs2 ocfs2 "
    "glusterfs fuse.sshfs fuse.glusterfs fuse.ceph fuse.s3fs fuse.rclone fuse.gpfs fuse.quobyte fuse.juicefs fuse.mfs "
    "fuse.daos".split()
)


def is_on_network(directory: str) -> bool:
    """Return whether `directory` lies on a network file system, as Linux's mount table says; else False."""
    return file_system(directory) in NETWORK_FILE_SYSTEMS


def file_system(directory: str) -> str:
    """Return the type of the file system that holds `directory`, "" where the system does not say.

    Linux says it in /proc/self/mountinfo (proc(5)).
    """
    device = os.stat(directory).st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as mounts:
            for mount in mounts:
                if mount.split(" ", 3)[2] == wanted:
                    return mount.split(" - ", 1)[1].split(" ", 1)[0]
    except OSError:
        pass
    return ""

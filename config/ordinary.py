"""Run a command as an ordinary user. PostgreSQL refuses to run as root, and a fresh machine is often root's.

`python -m config.ordinary FOLDER COMMAND...` enters a user namespace in which root's id looks like an
ordinary one: no account is made, nothing changes owner, folders only root may enter stay reachable.
Where the kernel forbids that, FOLDER is handed to `nobody` and the command runs as that user.
"""

import ctypes
import os
import pwd
import shutil
import sys
from pathlib import Path

CLONE_NEWUSER = 0x10000000  # linux/sched.h
ORDINARY_ID = 1000


def enter_namespace() -> bool:
    """Look like user 1000 from here on; False where the kernel does not let us."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "unshare") or libc.unshare(CLONE_NEWUSER) != 0:
        return False
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{ORDINARY_ID} 0 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{ORDINARY_ID} 0 1", encoding="ascii")
    return True


def become_nobody(folder: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    for parent, _folders, files in os.walk(folder):
        shutil.chown(parent, nobody.pw_uid, nobody.pw_gid)
        for name in files:
            shutil.chown(Path(parent, name), nobody.pw_uid, nobody.pw_gid)
    os.setgroups([])
    os.setgid(nobody.pw_gid)
    os.setuid(nobody.pw_uid)


def main() -> None:
    folder, command = Path(sys.argv[1]), sys.argv[2:]
    if os.geteuid() == 0 and not enter_namespace():
        become_nobody(folder)
    os.execv(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main()

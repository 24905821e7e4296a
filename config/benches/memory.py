"""Memory of a tree of processes, each page counted once: the sum of their proportional shares."""

import re
from contextlib import suppress
from os import sysconf
from pathlib import Path
from threading import Event, Thread

EVERY_S = 2.0
PAGE, TICKS_A_S = sysconf("SC_PAGE_SIZE"), sysconf("SC_CLK_TCK")


class Watch(Thread):
    """Looks at the trees under some processes every two seconds and keeps the largest sum, in bytes."""

    def __init__(self, *roots: int) -> None:
        super().__init__(daemon=True)
        self.roots = roots
        self.peak = 0
        self.peak_by_name: dict[str, int] = {}
        self.ended = Event()

    def run(self) -> None:
        while not self.ended.wait(EVERY_S):
            shares = {pid: share_of(pid) for pid in tree(self.roots)}
            if sum(shares.values()) > self.peak:
                self.peak = sum(shares.values())
                self.peak_by_name = {}
                for pid, share in shares.items():
                    name = name_of(pid)
                    self.peak_by_name[name] = self.peak_by_name.get(name, 0) + share

    def end(self) -> int:
        self.ended.set()
        self.join()
        return self.peak


def tree(roots: tuple[int, ...]) -> set[int]:
    """These processes with all their descendants."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, IndexError, ValueError):
            parent = int(folder.joinpath("stat").read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(folder.name))
    found, open_ = set(roots), list(roots)
    while open_:
        new = [pid for pid in children.get(open_.pop(), []) if pid not in found]
        found.update(new)
        open_ += new
    return found


def share_of(pid: int) -> int:
    """A process's proportional share of memory in bytes; 0 when it is gone."""
    with suppress(OSError):
        found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
        return int(found[1]) * 1024 if found else 0
    return 0


def resident_mb() -> float:
    """What this process holds in memory now, in millions of bytes."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE / 1e6


def cpu_of(pid: int, *, with_ended: bool = False) -> float:
    """Seconds of processor time a process has used, its ended children too if asked for; 0 when it is gone."""
    with suppress(OSError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11 : 15 if with_ended else 13])) / TICKS_A_S
    return 0.0


def name_of(pid: int) -> str:
    """What a process is: one of our parts, PostgreSQL, or its program."""
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        if "config.cli" in words:
            rest = words[words.index("config.cli") + 1 :]
            return rest[rest.index("--name") + 1] if "--name" in rest else rest[0]
        return "postgres" if "postgres" in words[0] else Path(words[0]).name
    return "gone"

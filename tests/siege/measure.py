"""What a process uses, as /proc tells it: memory, descriptors, sockets, CPU time."""

import os
import threading
import time

TICKS = os.sysconf("SC_CLK_TCK")


def memory_kib(pid):
    """Resident now, resident at the most, and of what is resident now the part that no file stands behind."""
    found = {}
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            name, _, value = line.partition(":")
            if name in ("VmRSS", "VmHWM", "RssAnon"):
                found[name] = int(value.split()[0])
    return found["VmRSS"], found["VmHWM"], found["RssAnon"]


def descriptors(pid):
    """Descriptors that are open, and how many of them are sockets."""
    folder, sockets, every = f"/proc/{pid}/fd", 0, 0
    for name in os.listdir(folder):
        every += 1
        try:
            sockets += os.readlink(f"{folder}/{name}").startswith("socket:")
        except OSError:
            pass
    return every, sockets


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Sampler(threading.Thread):
    """Looks at a process many times a second and keeps the peaks."""

    def __init__(self, pid, interval=0.05):
        super().__init__(daemon=True)
        self.pid, self.interval = pid, interval
        self.rss = self.anon = self.fds = self.sockets = 0
        self.cpu = 0.0
        self.over = threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(self.interval):
            try:
                _, peak, anon = memory_kib(self.pid)
                fds, sockets = descriptors(self.pid)
                self.cpu = cpu_seconds(self.pid)
            except (OSError, KeyError):
                return  # it has ended
            self.rss, self.anon = max(self.rss, peak), max(self.anon, anon)
            self.fds, self.sockets = max(self.fds, fds), max(self.sockets, sockets)

    def stop(self):
        self.over.set()
        self.join()


def wait_until(true, limit_s, what):
    end = time.monotonic() + limit_s
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.02)

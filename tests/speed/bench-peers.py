#!/usr/bin/env python3
"""Downloads the same file with seedbed and with every other client that is installed, from a seedbed seeder.

Everything is on loopback, in plain, and below one temporary folder. Clients take turns, so that what slows the machine down slows
all of them; the table has the median of the rounds. Wall time ends when the tracker hears that nothing is left, or with
the client's exit, whichever is first. CPU is that of the client's process tree.

    tests/speed/bench-peers.py [--gib 1] [--rounds 3] [--seeders 1] [--folder /dev/shm] [--seedbed target/release/seedbed]
"""

import argparse
import hashlib
import http.server
import os
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

import clients

SEEDER_PORT = 42100
LIMIT_S = 600

class Tracker(http.server.ThreadingHTTPServer):
    """Names the seeders to everybody, and notes who has nothing left."""

    def __init__(self, peers):
        super().__init__(("127.0.0.1", 0), Answers)
        self.peers = peers
        self.done = threading.Event()

    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/announce"


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        from_seeder = asked.get("port") == [str(SEEDER_PORT)]
        if asked.get("left") == ["0"] and not from_seeder:
            self.server.done.set()
        peers = b"".join(socket.inet_aton(ip) + port.to_bytes(2, "big") for ip, port in self.server.peers)
        body = b"d8:intervali1800e5:peers%d:%se" % (len(peers), peers)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def installed(seedbed):
    """Name, and what to run with a torrent, a folder and a free port."""
    ip = "127.0.0.1"
    others = {"aria2": clients.aria2, "libtorrent": lambda torrent, out, port: clients.libtorrent(torrent, out, ip, port),
              "rqbit": lambda torrent, out, port: clients.rqbit(torrent, out, ip, port)}
    found = [("seedbed", lambda torrent, out, port: clients.seedbed(seedbed, torrent, out, ip, port))]
    return found + [(name, command) for name, command in others.items() if clients.is_installed(name)]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def run(command, tracker):
    """Wall and CPU seconds of one download."""
    tracker.done.clear()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall = None
    while process.poll() is None:
        if wall is None and tracker.done.is_set():
            wall = time.monotonic() - started
        if time.monotonic() - started > LIMIT_S:
            process.send_signal(signal.SIGKILL)
        time.sleep(0.002)
    wall = wall or time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else hashlib.sha256(file.read()).hexdigest()


def main():
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--gib", type=float, default=1)
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--seeders", type=int, default=1)
    asked.add_argument("--folder", default="/dev/shm")
    asked.add_argument("--seedbed", default="target/release/seedbed")
    asked = asked.parse_args()
    seedbed = os.path.abspath(asked.seedbed)
    folder = tempfile.mkdtemp(prefix="bench-peers-", dir=asked.folder)
    os.environ["SEEDBED_STATE_DIR"] = os.path.join(folder, "state")
    os.environ["HOME"] = os.environ["XDG_CONFIG_HOME"] = os.path.join(folder, "home")
    seeders = []
    try:
        tracker = Tracker([(f"127.0.0.{2 + n}", SEEDER_PORT) for n in range(asked.seeders)])
        threading.Thread(target=tracker.serve_forever, daemon=True).start()
        payload = os.path.join(folder, "seed", "payload")
        os.makedirs(os.path.dirname(payload))
        with open(payload, "wb") as file:
            for _ in range(int(asked.gib * 1024)):
                file.write(os.urandom(1 << 20))
        torrent = os.path.join(folder, "payload.torrent")
        subprocess.run([seedbed, "--quiet", "create", payload, "-a", tracker.url(), "-o", torrent, "--piece-length", "1MiB"], check=True)
        for n in range(asked.seeders):
            state = dict(os.environ, SEEDBED_STATE_DIR=os.path.join(folder, f"state-{n}"))
            seeders.append(subprocess.Popen(
                [seedbed, "--quiet", "seed", torrent, "-d", os.path.dirname(payload), "--bind", f"127.0.0.{2 + n}",
                 "--port", str(SEEDER_PORT), "--no-lsd", "--encryption", "off"], env=state, stdin=subprocess.DEVNULL))
        for n in range(asked.seeders):
            for _ in range(3000):
                with socket.socket() as probe:
                    if probe.connect_ex((f"127.0.0.{2 + n}", SEEDER_PORT)) == 0:
                        break
                time.sleep(0.02)
        time.sleep(1 + asked.gib)
        wanted = digest(payload)
        figures = {}
        for n in range(asked.rounds):
            for name, command in installed(seedbed):
                out = os.path.join(folder, f"out-{name}-{n}")
                os.makedirs(out)
                wall, cpu = run(command(torrent, out, free_port()), tracker)
                right = os.path.exists(os.path.join(out, "payload")) and digest(os.path.join(out, "payload")) == wanted
                figures.setdefault(name, []).append((wall, cpu, right))
                shutil.rmtree(out)
        print(f"{asked.gib} GiB from {asked.seeders} seeder(s), median of {asked.rounds} rounds")
        print(f"{'client':<12}{'wall s':>8}{'CPU s':>8}  data")
        for name, runs in figures.items():
            wall, cpu = (statistics.median(run[n] for run in runs) for n in (0, 1))
            print(f"{name:<12}{wall:>8.2f}{cpu:>8.2f}  {'right' if all(run[2] for run in runs) else 'WRONG'}")
        return 0 if all(run[2] for run in figures["seedbed"]) else 1
    finally:
        for seeder in seeders:
            seeder.terminate()
            seeder.wait()
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())

"""The client under siege: its command, its limits, and one download by it that is measured."""

import http.server
import json
import os
import resource
import shutil
import subprocess
import sys
import threading
import time
import urllib.parse

import hostile
import measure
import wire

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "speed"))
import clients  # noqa: E402

IP, PORT = "127.0.4.1", 42210
NAMES = ["seedbed", "aria2", "transmission", "libtorrent"]
LIMIT_S = 90
# What the runs are told apart by in the figures of the settled state: the client is loaded, nobody has come yet.
SETTLE_S = 1.5


class Tracker(http.server.ThreadingHTTPServer):
    """Offers the hostile peers to the client, and notes when nothing is left."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answers)
        self.peers = b""
        self.heard, self.done = threading.Event(), threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/announce"


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        self.server.heard.set()
        if asked.get("left") == ["0"] or asked.get("event") == ["completed"]:
            self.server.done.set()
        body = b"d8:intervali1800e5:peers%d:%se" % (len(self.server.peers), self.server.peers)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def command(name, seedbed, torrent, out, home, more):
    """Connection limits are those that each client comes with; `more` are arguments of ours."""
    if name == "seedbed":
        return clients.seedbed(seedbed, torrent, out, IP, PORT, "--no-lsd", *more)
    if name == "aria2":
        return clients.aria2(torrent, out, PORT, "--no-conf", f"--interface={IP}")
    if name == "transmission":
        return clients.transmission(torrent, out, IP, PORT, home)
    return clients.libtorrent(torrent, out, IP, PORT, allow_multiple_connections_per_ip=False, outgoing_interfaces=IP,
                              enable_incoming_utp=False, enable_outgoing_utp=False)


class Helper:
    """A script of this folder that works until its standard input ends, and then says one line of JSON."""

    def __init__(self, script, asked):
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), script)
        self.process = subprocess.Popen([sys.executable, "-B", path, json.dumps(asked)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def wait_ready(self):
        self.process.stdout.readline()

    def go(self):
        self.process.stdin.write(b"go\n")
        self.process.stdin.flush()

    def stop(self):
        out, _ = self.process.communicate(timeout=30)
        if self.process.returncode:
            raise RuntimeError(f"{self.process.args[2]} failed")
        return json.loads(out.splitlines()[-1])


class Run:
    """What is to be done: which client against whom."""

    def __init__(self, client, kinds=(), count=0, *, rate=0, pieces=1024, nofile=None, more=(), attack_first_s=0.0, flood=65536, label=""):
        self.client, self.kinds, self.count, self.rate, self.pieces = client, list(kinds), count, rate, pieces
        self.nofile, self.more, self.attack_first_s, self.flood, self.label = nofile, list(more), attack_first_s, flood, label


PIECE = 256 * 1024
CONTENTS = {}


def content_of(pieces):
    if pieces not in CONTENTS:
        CONTENTS[pieces] = wire.Content("siege", pieces, PIECE)
    return CONTENTS[pieces]


def measured(run, asked):
    """One download: its figures as a dictionary."""
    folder = os.path.join(asked.work, f"run-{time.monotonic_ns()}")
    out, home = os.path.join(folder, "out"), os.path.join(folder, "home")
    os.makedirs(out)
    os.makedirs(home)
    content, tracker = content_of(run.pieces), Tracker()
    torrent = os.path.join(folder, "siege.torrent")
    with open(torrent, "wb") as file:
        file.write(content.torrent(tracker.url()))
    if hostile.silent.__name__ not in run.kinds:
        tracker.peers = wire.compact((hostile.address(n), hostile.PORT) for n in range(1, run.count, 2))
    process, helpers = None, []
    try:
        shared = {"pieces": run.pieces, "piece_length": PIECE, "target": [IP, PORT]}
        helpers.append(Helper("honest.py", {**shared, "rate": run.rate}))
        if run.count:
            helpers.append(Helper("hostile.py", {**shared, "kinds": run.kinds, "count": run.count, "rate": run.flood}))
        for helper in helpers:
            helper.wait_ready()
        process = start(run, asked, torrent, out, home)
        figures = watch(run, process, tracker, *helpers)
        figures["right"] = content.is_right(os.path.join(out, content.name))
        return figures
    finally:
        for left in [process, *(helper.process for helper in helpers)]:
            if left and left.poll() is None:
                left.kill()
                left.wait()
        tracker.shutdown()
        tracker.server_close()
        shutil.rmtree(folder)


def start(run, asked, torrent, out, home):
    def limit():
        if run.nofile:
            resource.setrlimit(resource.RLIMIT_NOFILE, (run.nofile, run.nofile))
    environment = dict(os.environ, HOME=home, XDG_CONFIG_HOME=home, SEEDBED_STATE_DIR=os.path.join(home, "state"))
    log = open(os.path.join(asked.work, "client.log"), "ab")
    with log:
        return subprocess.Popen(command(run.client, asked.seedbed, torrent, out, home, run.more), env=environment, preexec_fn=limit,
                                stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def watch(run, process, tracker, seeder, hostiles=None):
    """From the start of the client to the end of its download."""
    sampler = measure.Sampler(process.pid)
    measure.wait_until(tracker.heard.is_set, 30, f"{run.client} never announced")
    time.sleep(SETTLE_S)
    if hostiles and run.attack_first_s:
        hostiles.go()
        time.sleep(run.attack_first_s)
    seeder.go()
    began = time.monotonic()
    time.sleep(0.9)
    try:
        idle = measure.memory_kib(process.pid)
    except (OSError, KeyError):
        idle = (0, 0, 0)  # it has not lived that long
    if hostiles and not run.attack_first_s:
        hostiles.go()
    while process.poll() is None and not tracker.done.is_set() and time.monotonic() - began < LIMIT_S:
        time.sleep(0.005)
    wall = time.monotonic() - began - 1  # the seeder unchokes after a second
    ended = tracker.done.is_set() or process.poll() == 0
    counted = hostiles.stop() if hostiles else {}
    honest = seeder.stop()
    if process.poll() is None:
        try:
            process.wait(1 if run.client == "transmission" else 5)
        except subprocess.TimeoutExpired:
            process.terminate()
            process.wait(20)
    sampler.stop()
    return {"client": run.client, "label": run.label, "kinds": run.kinds, "hostile": run.count, "rate": run.rate, "nofile": run.nofile,
            "wall_s": round(wall, 2), "ended": ended, "exit": process.returncode, "rss_idle_kib": idle[0], "anon_idle_kib": idle[2],
            "rss_peak_kib": sampler.rss, "anon_peak_kib": sampler.anon, "fds_peak": sampler.fds, "sockets_peak": sampler.sockets,
            "cpu_s": sampler.cpu, "honest": honest, "attack": counted}

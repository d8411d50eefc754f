"""One meeting of a real client with a model of the simulator: who is started where, and what each side showed."""

import filecmp
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "speed"))
sys.path.insert(0, os.path.join(HERE, "..", "siege"))
import clients  # noqa: E402
import wire  # noqa: E402

SIZES = "pieces=16 blocks=4 block=16384"
PIECES, BLOCKS = 16, 64
CLIENTS = ["seedbed", "libtorrent", "transmission", "aria2"]
SHARES = os.path.join(HERE, "..", "interop", "lt.py")

SESSION = "X-Transmission-Session-Id"

# How long a client may take to listen and to ask its tracker.
START_S = 20
# How long an honest peer waits for the client to get on.
HONEST_S = 25
# The same for one that began with a link: Transmission begins anew when it has the metadata.
HONEST_LINK_S = 60
# How long whoever comes back waits for an answer to its handshake.
ANSWER_S = 3


class Model:
    """`seedbed sim peer` or `sim tracker`, and what it told."""

    def __init__(self, program, log, *arguments):
        command = [program, "sim", *arguments, "--json", "--quiet", "--sample", SIZES, "--for", "20m"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        self.events, self.summary = [], None
        self.first = json.loads(self.process.stdout.readline() or "{}")
        self.began = time.monotonic()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            told = json.loads(line)
            if "summary" in told:
                self.summary = told["summary"]
            else:
                self.events.append(told)

    def stop(self):
        """Its summary."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)
        self.reader.join(10)
        self.process.stdout.close()
        if self.summary is None:
            raise RuntimeError(f"{self.process.args[1:3]} ended with {self.process.returncode}")
        return self.summary

    def has(self, text):
        return any(text in event["text"] for event in list(self.events))


class Client:
    """A client under test on an address of its own."""

    def __init__(self, name, program, torrent, out, home, ip, port, seeds):
        """`torrent` is a file or a magnet link."""
        os.makedirs(home)
        environment = dict(os.environ, HOME=home, XDG_CONFIG_HOME=home, SEEDBED_STATE_DIR=os.path.join(home, "state"))
        self.name, self.ip, self.port, self.session = name, ip, port, ""
        self.log = open(os.path.join(home, "log"), "wb")
        make = self.shares if seeds else self.follows if torrent.startswith("magnet:") else self.fetches
        self.process = subprocess.Popen(make(program, torrent, out, home), env=environment, cwd=home,
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        if name == "transmission" and torrent.startswith("magnet:") and not wait_until(lambda: self.takes_link(torrent), START_S):
            raise RuntimeError("the link was not taken")

    def fetches(self, program, torrent, out, home):
        if self.name == "seedbed":
            return clients.seedbed(program, torrent, out, self.ip, self.port, "--no-lsd")
        if self.name == "aria2":
            return clients.aria2(torrent, out, self.port, "--no-conf", f"--interface={self.ip}")
        if self.name == "transmission":
            return clients.transmission(torrent, out, self.ip, self.port, home)
        return clients.libtorrent(torrent, out, self.ip, self.port, allow_multiple_connections_per_ip=False,
                                  outgoing_interfaces=self.ip, enable_incoming_utp=False, enable_outgoing_utp=False)

    def shares(self, program, torrent, out, home):
        """With the whole content in `out`, until it is ended."""
        if self.name == "seedbed":
            return [program, "--quiet", "seed", torrent, "-d", out, "--bind", self.ip, "--port", str(self.port), "--no-lsd"]
        if self.name == "aria2":
            return ["aria2c", "--quiet", "--no-conf", "--enable-dht=false", "--bt-enable-lpd=false", "--enable-peer-exchange=false",
                    "--file-allocation=none", "--check-integrity=true", "--allow-overwrite=true", "--seed-ratio=0.0",
                    f"--interface={self.ip}", f"--listen-port={self.port}", f"--dir={out}", torrent]
        if self.name == "transmission":
            return clients.transmission(torrent, out, self.ip, self.port, home)
        return [clients.PYTHON, "-B", SHARES, torrent, out, f"{self.ip}:{self.port}", "0"]

    def follows(self, program, link, out, home):
        """A link."""
        if self.name == "libtorrent":
            return [clients.PYTHON, "-B", SHARES, link, out, f"{self.ip}:{self.port}", "0"]
        if self.name != "transmission":
            return self.fetches(program, link, out, home)
        # it takes links over its remote control alone
        command = clients.transmission(None, out, self.ip, self.port, home)
        path = os.path.join(home, "settings.json")
        with open(path) as file:
            settings = json.load(file)
        settings.update({"rpc-enabled": True, "rpc-bind-address": self.remote(), "rpc-port": self.port, "rpc-whitelist-enabled": False})
        with open(path, "w") as file:
            json.dump(settings, file)
        return command

    def remote(self):
        return self.ip.rpartition(".")[0] + ".6"

    def takes_link(self, link):
        body = json.dumps({"method": "torrent-add", "arguments": {"filename": link}}).encode()
        asked = urllib.request.Request(f"http://{self.remote()}:{self.port}/transmission/rpc", body, {SESSION: self.session})
        try:
            with urllib.request.urlopen(asked, timeout=5) as answer:
                return json.load(answer)["result"] == "success"
        except urllib.error.HTTPError as refused:
            # the next request repeats what this one is told
            self.session = refused.headers.get(SESSION, "")
        except OSError:
            pass
        return False

    def listens(self):
        """Whether the system says so: a connection to find out would be a peer to it."""
        a, b, c, d = (int(part) for part in self.ip.split("."))
        wanted = [f"{d:02X}{c:02X}{b:02X}{a:02X}:{self.port:04X}", f"00000000:{self.port:04X}"]
        with open("/proc/net/tcp") as table:
            return any(line.split()[1] in wanted and line.split()[3] == "0A" for line in table.readlines()[1:])

    def is_running(self):
        return self.process.poll() is None

    def crashed(self):
        """Whether a signal of its own ended it, or a failed assertion of ours."""
        code = self.process.poll()
        return code is not None and (code < 0 or code in (101, 134))

    def stop(self):
        if self.is_running():
            self.process.terminate()
            try:
                self.process.wait(4)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()


class Meeting:
    """The places of one run: addresses, folders, processes. All of them end with it."""

    def __init__(self, number, program, folder):
        # a network for each run, so that nothing of another one is remembered, beside those of a script that runs at the same time
        self.net = f"127.{20 + (os.getpid() * 16 + number // 250) % 220}.{number % 250}"
        self.port = 21_000 + number
        self.program, self.folder = program, os.path.join(folder, str(number))
        os.makedirs(self.folder)
        self.log = open(os.path.join(self.folder, "models.log"), "wb")
        self.models, self.client = [], None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.client:
            self.client.stop()
        for model in self.models:
            if model.process.poll() is None:
                model.process.kill()
                model.process.wait()
        self.log.close()
        shutil.rmtree(self.folder)

    def model(self, kind, last, *arguments):
        model = Model(self.program, self.log, kind, "--listen", f"{self.net}.{last}:0", *arguments)
        self.models.append(model)
        if "listening" not in model.first:
            raise RuntimeError(f"sim {kind} {' '.join(arguments)} does not listen")
        return model

    def tracker(self, *arguments):
        return self.model("tracker", 4, "--protocol", "http", "--write", os.path.join(self.folder, "made"), *arguments)

    def start_client(self, name, tracker, seeds=False, asks=True, link=False):
        made, out = os.path.join(self.folder, "made"), os.path.join(self.folder, "out")
        os.makedirs(out)
        if seeds:
            shutil.copy(os.path.join(made, "sample"), out)
        torrent = os.path.join(made, "sample.torrent")
        if link:
            torrent = f"magnet:?xt=urn:btih:{tracker.first['info_hash']}&tr={urllib.parse.quote(tracker.first['announce'], '')}"
        self.client = Client(name, self.program, torrent, out, os.path.join(self.folder, "home"),
                             f"{self.net}.1", self.port, seeds)
        def ready():
            return not self.client.is_running() or (self.client.listens() and (not asks or tracker.has("announce started")))
        # one that finds a peer at once may be done by now
        if not wait_until(ready, START_S) or self.client.process.poll() not in (None, 0):
            raise RuntimeError(f"{name} did not start: {self.client.process.poll()}")

    def target(self):
        return f"{self.client.ip}:{self.client.port}"

    def is_right(self):
        path = os.path.join(self.folder, "out", "sample")
        return os.path.exists(path) and filecmp.cmp(path, os.path.join(self.folder, "made", "sample"), shallow=False)

    def is_complete(self, tracker):
        """Whether the client has told its tracker or a peer that it has everything, has ended well, or all of it is in its file."""
        for model in self.models:
            haves = {event["text"] for event in list(model.events) if event["way"] == "in" and event["text"].startswith("have p")}
            if len(haves) == PIECES:
                return True
        # who begins with a link may not know that something is left
        told = (event["text"] for event in list(tracker.events) if event["text"].startswith("announce "))
        return any(text.endswith("left=0") and "started" not in text for text in told) or self.client.process.poll() == 0 \
            or self.is_right()

    def answers(self, tracker, last):
        """Whether the client answers a good handshake from this address."""
        info_hash = bytes.fromhex(tracker.first["info_hash"])
        try:
            with socket.create_connection((self.client.ip, self.client.port), ANSWER_S, (f"{self.net}.{last}", 0)) as back:
                back.sendall(wire.PROTOCOL + wire.RESERVED + info_hash + os.urandom(20))
                got = b""
                while len(got) < 48:
                    part = back.recv(68)
                    if not part:
                        return False
                    got += part
                return got.startswith(wire.PROTOCOL)
        except OSError:
            return False


def wait_until(met, limit_s):
    until = time.monotonic() + limit_s
    while not met():
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True

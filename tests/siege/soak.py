#!/usr/bin/env python3
"""One seedbed process that downloads and seeds on loopback for an hour, while everything around it changes.

Two dozen torrents wait in one queue, two of them are fetched at a time at a limited rate, and those that are whole are served. Peers
come and go all the time: seeds and leeches of this script, each on a loopback address of its own, that dial or are
dialled, live for seconds or a minute, and end with a FIN, a reset, or a reset in the middle of a message. The tracker's answers
vary: peers, none, a warning, a failure, an HTTP error, garbage, a reset, or an answer that takes its time. Leeches compare what
they are served, and at the end every file is compared byte by byte.

RSS and descriptors are read every second. The last line has the median RSS over the five minutes (or a twelfth of a short run)
that end at minute 10, since before the first torrents are whole, in the fifth, nothing is served; the same at the end; and what
it grew by. The goal is under 2 MiB in an hour.

    tests/siege/soak.py [--minutes 60] [--seed 1] [--seedbed target/release/seedbed] [--folder DIR]
"""

import argparse
import asyncio
import os
import random
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

import measure
import wire

RATE = 512 * 1024
TORRENTS = 24
PIECE = 256 * 1024
CLIENT = ("127.0.6.1", 42200)
SEEDS = [f"127.0.7.{n}" for n in range(1, 13)]
LEECHES = [f"127.0.8.{n}" for n in range(1, 13)]
PORT = 42201


class Swarm:
    """All that is around the client: what was announced, who is here, what was moved."""

    def __init__(self, contents, rng):
        self.by_hash = {content.info_hash: content for content in contents}
        self.rng = rng
        self.fetching, self.serving = set(), set()
        self.sent = self.received = self.wrong = self.connections = self.announces = 0
        self.url = None

    async def start(self):
        tracker = await asyncio.start_server(self.answer, "127.0.0.1", 0)
        self.url = "http://127.0.0.1:%d/announce" % tracker.sockets[0].getsockname()[1]
        kept = [tracker]
        for address in SEEDS:
            kept.append(await asyncio.start_server(lambda r, w, a=address: self.dialled(r, w, a), address, PORT))
        kept += [asyncio.create_task(self.come_and_go(address, True)) for address in SEEDS]
        kept += [asyncio.create_task(self.come_and_go(address, False)) for address in LEECHES]
        return kept

    # -- the tracker

    async def answer(self, reader, writer):
        try:
            line = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).split(b" ", 2)[1]
            self.note(line)
            kind = self.rng.choices(["peers", "none", "warning", "failure", "error", "garbage", "reset", "slow"], [60, 8, 6, 8, 5, 5, 4, 4])[0]
            if kind == "reset":
                return reset(writer)
            if kind == "slow":
                await asyncio.sleep(self.rng.uniform(2, 20))
            writer.write(self.reply(kind))
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    def note(self, target):
        """Keeps which torrents are being fetched and which are whole."""
        self.announces += 1
        asked = dict(part.partition(b"=")[::2] for part in target.partition(b"?")[2].split(b"&"))
        info_hash = unescape(asked.get(b"info_hash", b""))
        if info_hash in self.by_hash:
            whole = asked.get(b"left") == b"0"
            (self.serving if whole else self.fetching).add(info_hash)
            if whole or asked.get(b"event") == b"stopped":
                self.fetching.discard(info_hash)

    def reply(self, kind):
        if kind == "error":
            return b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy"
        seeds = self.rng.sample(SEEDS, self.rng.randint(1, len(SEEDS))) if kind != "none" else []
        body = {"interval": self.rng.randint(300, 900), "peers": wire.compact((seed, PORT) for seed in seeds)}
        if kind == "warning":
            body["warning message"] = "the soak's tracker will be slow tonight"
        if kind == "failure":
            body = {"failure reason": "the soak's tracker is full"}
        body = self.rng.randbytes(200) if kind == "garbage" else wire.bencode(body)
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)

    # -- the peers

    async def come_and_go(self, address, is_seed):
        """One address: away for a while, then there for a while, again and again."""
        while True:
            await asyncio.sleep(self.rng.uniform(1, 25))
            wanted = sorted(self.fetching if is_seed else self.serving)
            if not wanted:
                continue
            try:
                reader, writer = await asyncio.wait_for(asyncio.open_connection(*CLIENT, local_addr=(address, 0)), 10)
            except (OSError, asyncio.TimeoutError):
                continue
            content = self.by_hash[self.rng.choice(wanted)]
            await self.live(Peer(self, reader, writer, content, is_seed), dials=True)

    async def dialled(self, reader, writer, _address):
        await self.live(Peer(self, reader, writer, None, True), dials=False)

    async def live(self, peer, dials):
        """A connection to its end, which comes after a random time, and in one of four ways."""
        self.connections += 1
        ended = False
        try:
            await asyncio.wait_for(peer.talk(dials), self.rng.uniform(3, 90))
        except asyncio.TimeoutError:
            ended = True
        except (OSError, asyncio.IncompleteReadError, ValueError):
            pass
        way = self.rng.choice(["fin", "reset", "torn", "silent"]) if ended else "fin"
        if way == "torn":
            peer.writer.write(struct.pack(">IBI", 9 + wire.BLOCK, wire.PIECE, 0) + bytes(100))
            await asyncio.sleep(0.1)
        if way == "silent":
            await asyncio.sleep(self.rng.uniform(5, 30))
        if way == "fin":
            peer.writer.close()
        else:
            reset(peer.writer)


class Peer:
    """One connection: a seed serves what it is asked for, a leech asks for pieces by chance and compares them."""

    def __init__(self, swarm, reader, writer, content, is_seed):
        self.swarm, self.reader, self.writer, self.content, self.is_seed = swarm, reader, writer, content, is_seed
        self.has, self.asked, self.unchoked = set(), 0, False

    async def talk(self, dials):
        peer_id = b"-XX0001-" + self.swarm.rng.randbytes(12)
        if dials:
            self.writer.write(self.content.handshake(peer_id))
        head = await self.reader.readexactly(68)
        if not head.startswith(wire.PROTOCOL) or head[28:48] not in self.swarm.by_hash:
            raise ValueError("no plain handshake of ours")
        self.content = self.swarm.by_hash[head[28:48]]
        if not dials:
            self.writer.write(self.content.handshake(peer_id))
        self.writer.write(wire.extended(0, {"m": {"ut_pex": 1}, "reqq": 250, "v": "soak"}))
        if self.is_seed:
            self.writer.write(wire.message(wire.HAVE_ALL) + wire.message(wire.UNCHOKE))
        else:
            self.writer.write(wire.message(wire.HAVE_NONE) + wire.message(wire.INTERESTED))
        while True:
            length = struct.unpack(">I", await self.reader.readexactly(4))[0]
            if length:
                body = await self.reader.readexactly(length)
                self.handle(body[0], body[1:])
                await self.writer.drain()

    def handle(self, kind, payload):
        if kind == wire.REQUEST and self.is_seed:
            piece, offset, length = struct.unpack(">III", payload)
            self.writer.write(wire.message(wire.PIECE, payload[:8] + self.content.block(piece, offset, length)))
            self.swarm.sent += length
        elif kind == wire.PIECE:
            piece, offset = struct.unpack(">II", payload[:8])
            self.swarm.received += len(payload) - 8
            self.swarm.wrong += payload[8:] != self.content.block(piece, offset, len(payload) - 8)
            self.asked -= 1
        elif kind == wire.REJECT:
            self.asked -= 1
        elif kind in (wire.UNCHOKE, wire.CHOKE):
            self.unchoked = kind == wire.UNCHOKE
        elif kind == wire.HAVE_ALL:
            self.has = range(self.content.pieces)
        elif kind == wire.BITFIELD:
            self.has = {n for n in range(self.content.pieces) if payload[n // 8] >> (7 - n % 8) & 1}
        elif kind == wire.HAVE and not isinstance(self.has, range):
            self.has.add(struct.unpack(">I", payload)[0])
        self.ask()

    def ask(self):
        rng = self.swarm.rng
        while not self.is_seed and self.unchoked and self.has and self.asked < 4:
            piece = rng.choice(self.has if isinstance(self.has, range) else sorted(self.has))
            self.writer.write(wire.request(piece, rng.randrange(PIECE // wire.BLOCK) * wire.BLOCK))
            self.asked += 1


def reset(writer):
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def unescape(text):
    parts = text.split(b"%")
    return parts[0] + b"".join(bytes([int(part[:2], 16)]) + part[2:] for part in parts[1:])


async def watch(process, swarm, minutes, log):
    """RSS and descriptors once a second, until the time is over or the process is."""
    began, samples = time.monotonic(), []
    while (passed := time.monotonic() - began) < minutes * 60 and process.poll() is None:
        rss, _, _ = measure.memory_kib(process.pid)
        fds, _ = measure.descriptors(process.pid)
        samples.append((passed, rss, fds))
        if len(samples) % 60 == 0:
            print(f"minute {passed / 60:.0f}: rss {rss} KiB, {fds} descriptors, {measure.cpu_seconds(process.pid):.1f} CPU s, "
                  f"{len(swarm.serving)} torrents whole, down {swarm.sent >> 20} MiB, up {swarm.received >> 20} MiB, "
                  f"{swarm.connections} connections, {swarm.announces} announces", file=log, flush=True)
        await asyncio.sleep(1 - passed % 1)
    return samples


def at(samples, until_s, window_s):
    """Median RSS and descriptors of the window that ends there."""
    window = [sample for sample in samples if until_s - window_s <= sample[0] <= until_s]
    return statistics.median(sample[1] for sample in window), statistics.median(sample[2] for sample in window)


async def soak(asked, folder):
    pieces = max(2, int(asked.minutes * 60 * 0.85 * RATE / PIECE / TORRENTS))
    contents = [wire.Content(f"soak-{n:02}", pieces, PIECE, seed=n) for n in range(TORRENTS)]
    swarm = Swarm(contents, random.Random(asked.seed))
    kept = await swarm.start()
    files, out = [], os.path.join(folder, "out")
    os.makedirs(out)
    for content in contents:
        files.append(os.path.join(folder, content.name + ".torrent"))
        with open(files[-1], "wb") as file:
            file.write(content.torrent(swarm.url))
    process = subprocess.Popen(
        [os.path.abspath(asked.seedbed), "--quiet", "download", *files, "-d", out, "--bind", CLIENT[0], "--port", str(CLIENT[1]), "--no-lsd",
         "--max-active", "2", "--limit-down", str(RATE), "--limit-up", str(RATE), "--seed-time", "1000h"],
        env=dict(os.environ, SEEDBED_STATE_DIR=os.path.join(folder, "state"), HOME=folder), stdin=subprocess.DEVNULL)
    try:
        samples = await watch(process, swarm, asked.minutes, sys.stderr)
        code, cpu = process.poll(), measure.cpu_seconds(process.pid) if process.poll() is None else 0
    finally:
        process.send_signal(signal.SIGINT)
        await asyncio.to_thread(process.wait, 60)
    del kept
    right = sum(content.is_right(os.path.join(out, content.name)) for content in contents)
    return report(asked, swarm, samples, code, cpu, right)


def report(asked, swarm, samples, code, cpu, right):
    seconds = asked.minutes * 60
    first, window = min(600, seconds / 6), min(300, seconds / 12)
    early, late = at(samples, first, window), at(samples, samples[-1][0], window)
    growth = late[0] - early[0]
    good = code is None and growth < 2048 and right == TORRENTS and swarm.wrong == 0
    print(f"soak: {samples[-1][0] / 60:.1f} minutes, seed {asked.seed}; RSS {early[0] / 1024:.2f} MiB at minute {first / 60:.1f}, "
          f"{late[0] / 1024:.2f} MiB at the end, growth {growth / 1024:+.2f} MiB (goal under 2); descriptors {early[1]:.0f} and {late[1]:.0f}; "
          f"{swarm.sent >> 20} MiB down, {swarm.received >> 20} MiB up ({swarm.wrong} blocks wrong), {swarm.connections} connections, "
          f"{swarm.announces} announces, {cpu:.0f} CPU s; files right {right} of {TORRENTS}"
          + ("" if code is None else f"; THE CLIENT ENDED with {code}"))
    return 0 if good else 1


def main():
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--minutes", type=float, default=60)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--seedbed", default="target/release/seedbed")
    asked.add_argument("--folder", default=None, help="where the temporary folder is made")
    asked = asked.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the client is ended, and the folder removed
    folder = tempfile.mkdtemp(prefix="soak-", dir=asked.folder)
    try:
        return asyncio.run(soak(asked, folder))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())

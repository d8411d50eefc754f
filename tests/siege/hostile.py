#!/usr/bin/env python3
"""Hostile peers, each on a loopback address of its own, from a first line of standard input to its end.

Every second one waits to be dialled for a while (the tracker of the siege offers it), the others dial. One that is closed comes
back after a second. A peer that floods sends `rate` bytes a second, so that all of them together are a fast line and not a
race for the processor. All of it is below 127.0.0.0/8, addresses in peer exchange included.

The last line of standard output is JSON: connections made, held on the mean and at the most, bytes sent.
"""

import asyncio
import json
import os
import random
import socket
import struct
import sys

import wire

RETURN_S = 1
WAITS_TO_BE_DIALLED_S = 5
PORT = 42211


def address(n):
    return f"127.{40 + n // 62500}.{n // 250 % 250 + 1}.{n % 250 + 1}"


class Ended(Exception):
    """The other side has closed."""


class Connection:
    """A socket that is read only when a kind of peer wants to, and written at a limited rate."""

    def __init__(self, siege, sock, number, dials):
        self.siege, self.sock, self.number, self.dials = siege, sock, number, dials
        self.loop = asyncio.get_running_loop()

    async def send(self, data):
        """At the rate of a flood."""
        for start in range(0, len(data), 16384):
            chunk = data[start:start + 16384]
            await self.loop.sock_sendall(self.sock, chunk)
            self.siege.sent += len(chunk)
            await asyncio.sleep(len(chunk) / self.siege.rate)

    async def read(self, length):
        data = b""
        while len(data) < length:
            more = await self.loop.sock_recv(self.sock, length - len(data))
            if not more:
                raise Ended
            data += more
        return data

    async def read_until(self, kind, limit_s):
        """Reads messages until one is of this kind, or for so long."""
        async def until():
            while True:
                length = struct.unpack(">I", await self.read(4))[0]
                if length and (await self.read(length))[0] == kind:
                    return
        try:
            await asyncio.wait_for(until(), limit_s)
        except asyncio.TimeoutError:
            pass

    async def shake(self):
        """Handshakes of both sides. A client that asks for encryption is closed, and comes back in plain."""
        peer_id = b"-HH0001-" + random.randbytes(12)
        if self.dials:
            await self.send(self.siege.content.handshake(peer_id))
        if await self.read(20) != wire.PROTOCOL:
            raise Ended
        await self.read(48)
        if not self.dials:
            await self.send(self.siege.content.handshake(peer_id))

    async def flood(self, data):
        while True:
            await self.send(data)


def piece_of(content):
    return random.randrange(content.pieces)


async def prefix(connection):
    """Claims a message of a MiB to 4 GiB; sends it slowly, or as a flood."""
    await connection.shake()
    length = [1 << 20, (1 << 24) + 1, 1 << 30, 0xFFFFFFFF][connection.number // 4 % 4]
    await connection.send(struct.pack(">IB", length, [wire.BITFIELD, wire.PIECE, wire.EXTENDED, 99][connection.number // 16 % 4]))
    if connection.number // 2 % 2:
        await connection.flood(bytes(16384))
    while True:
        await connection.send(bytes(64))
        await asyncio.sleep(0.5)


async def requests(connection):
    """Requests that are valid, at once or when unchoked, and nothing that is served is read."""
    await connection.shake()
    await connection.send(wire.message(wire.HAVE_NONE) + wire.message(wire.INTERESTED))
    if connection.number // 2 % 2:
        await connection.read_until(wire.UNCHOKE, 10)
    await connection.flood(b"".join(wire.request(piece_of(connection.siege.content), 0) for _ in range(960)))


async def bad_requests(connection):
    """Requests beyond the end, of no length, of gigabytes, with an overflow."""
    await connection.shake()
    await connection.send(wire.message(wire.HAVE_NONE) + wire.message(wire.INTERESTED))
    pieces = connection.siege.content.pieces
    bad = [(pieces, 0, wire.BLOCK), (0, 0, 0), (0, 0, 0x7FFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF), (0, 0xFFFFC000, wire.BLOCK)]
    await connection.flood(b"".join(wire.request(*bad[n % len(bad)]) for n in range(960)))


async def bitfields(connection):
    """The right bitfield again and again, or one of a MiB."""
    await connection.shake()
    right = wire.message(wire.BITFIELD, connection.siege.content.bitfield())
    huge = wire.message(wire.BITFIELD, b"\xff" * (1 << 20))
    await connection.flood(huge if connection.number // 2 % 2 else right * 64)


async def extension_handshakes(connection):
    """A long name, twenty thousand extensions, lists in lists, and all of it again."""
    await connection.shake()
    many = {"m": {f"ext{n}": n % 255 + 1 for n in range(20_000)}}
    nested = b"\x00d1:m" + b"l" * 30_000 + b"e" * 30_000 + b"e"
    kind = connection.number // 2 % 3
    data = [wire.extended(0, {"v": b"v" * 900_000}), wire.extended(0, many), wire.message(wire.EXTENDED, nested)][kind]
    await connection.flood(data)


async def metadata(connection):
    """A metadata of a TiB, its size changing, pieces of it that nobody asked for, and requests for all of ours."""
    await connection.shake()
    sizes = [1 << 40, 1 << 24, 1, 0, 1 << 62, 16384 * 700]
    start = connection.number // 2
    for n in range(len(sizes)):
        await connection.send(wire.extended(0, {"m": {"ut_metadata": 3, "ut_pex": 4}, "metadata_size": sizes[(start + n) % len(sizes)]}))
    ours = b"".join(wire.extended(number, {"msg_type": 0, "piece": n}) for n in range(200) for number in (1, 2, 3))
    unasked = wire.extended(3, {"msg_type": 1, "piece": 0, "total_size": 1 << 40}, bytes(wire.BLOCK))
    await connection.flood(ours + unasked)


async def slow_handshake(connection):
    """A byte of the handshake every three seconds."""
    for byte in connection.siege.content.handshake(b"-HH0001-slow-shaking"):
        await connection.send(bytes([byte]))
        await asyncio.sleep(3)


async def pex(connection):
    """Peer exchange without an end: many addresses, the same ones as gone, odd lengths."""
    await connection.shake()
    await connection.send(wire.extended(0, {"m": {"ut_pex": 1}}))
    while True:
        peers = wire.compact((f"127.{random.randint(100, 250)}.{random.randrange(256)}.{random.randint(1, 250)}", random.randint(1, 65535)) for _ in range(500))
        odd = peers[:-random.randrange(6)]
        for number in (1, 2, 3):
            await connection.send(wire.extended(number, {"added": odd, "added.f": bytes(500), "dropped": peers}))


async def haves(connection):
    """Pieces that it has, and has again."""
    await connection.shake()
    await connection.flood(b"".join(wire.have(piece_of(connection.siege.content)) for _ in range(1820)))


async def keepalives(connection):
    await connection.shake()
    await connection.flood(bytes(16384))


async def flapping(connection):
    """Chokes and unchokes, is interested and is not."""
    await connection.shake()
    await connection.send(wire.message(wire.HAVE_ALL))
    await connection.flood(b"".join(wire.message(kind) for kind in (wire.UNCHOKE, wire.INTERESTED, wire.CHOKE, wire.NOT_INTERESTED)) * 800)


async def pieces(connection):
    """Wrong blocks of pieces that it was never asked for; what it is asked for never comes."""
    await connection.shake()
    await connection.send(wire.message(wire.HAVE_ALL) + wire.message(wire.UNCHOKE))
    while True:
        where = struct.pack(">II", piece_of(connection.siege.content), 0)
        await connection.send(wire.message(wire.PIECE, where + bytes(wire.BLOCK)))


async def fast(connection):
    """Suggestions and pieces allowed while choked, rejects of what nobody asked for."""
    await connection.shake()
    await connection.send(wire.message(wire.HAVE_NONE))
    def one():
        piece = struct.pack(">I", piece_of(connection.siege.content))
        return wire.message(wire.SUGGEST, piece) + wire.message(wire.ALLOWED_FAST, piece) + wire.message(wire.REJECT, piece + struct.pack(">II", 0, wire.BLOCK))
    await connection.flood(b"".join(one() for _ in range(450)))


async def silent(connection):
    """Says nothing, and comes back when it is closed."""
    await connection.read(1 << 30)


KINDS = {kind.__name__: kind for kind in (
    prefix, requests, bad_requests, bitfields, extension_handshakes, metadata, slow_handshake, pex, haves, keepalives, flapping, pieces, fast)}
ALL = {**KINDS, "silent": silent}


class Siege:
    """All hostile peers, and what they count together."""

    def __init__(self, content, target, rate):
        self.content, self.target, self.rate = content, target, rate
        self.open = self.most = self.made = self.sent = 0
        self.samples = []
        self.listeners = {}

    def listen(self, kinds, count):
        """Before the attack begins, since a client dials when its tracker has answered, and who refuses it is not dialled again soon."""
        for number in range(1, count if ALL[kinds[0]] is not silent else 0, 2):
            self.listeners[number] = socket.create_server((address(number), PORT))
            self.listeners[number].setblocking(False)

    async def peer(self, number, kind):
        listener = self.listeners.get(number)
        await asyncio.sleep(random.random())
        while True:
            sock, dials = await self.meet(number, listener)
            if sock is None:
                await asyncio.sleep(RETURN_S)
                continue
            self.made += 1
            self.open += 1
            self.most = max(self.most, self.open)
            try:
                await kind(Connection(self, sock, number, dials))
            except (OSError, Ended):
                pass
            finally:
                self.open -= 1
                sock.close()
            await asyncio.sleep(RETURN_S)

    async def meet(self, number, listener):
        """A connection that the client has made, or one to it."""
        loop = asyncio.get_running_loop()
        if listener:
            try:
                sock, _ = await asyncio.wait_for(loop.sock_accept(listener), WAITS_TO_BE_DIALLED_S)
                return sock, False
            except asyncio.TimeoutError:
                pass
        sock = socket.socket()
        sock.setblocking(False)
        try:
            sock.bind((address(number), 0))
            await asyncio.wait_for(loop.sock_connect(sock, self.target), 10)
            return sock, True
        except (OSError, asyncio.TimeoutError):
            sock.close()
            return None, True

    async def run(self, kinds, count):
        tasks = [asyncio.create_task(self.peer(n, ALL[kinds[n // 2 % len(kinds)]])) for n in range(count)]
        over = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        while not over.done():
            self.samples.append(self.open)
            await asyncio.wait([over], timeout=0.25)
        for task in tasks:
            if task.done():
                raise task.exception()
        held = sum(self.samples) / len(self.samples)
        print(json.dumps({"made": self.made, "held_mean": held, "held_most": self.most, "sent": self.sent}), flush=True)
        os._exit(0)  # the peers are in the middle of things, and nobody waits for them


def main():
    asked = json.loads(sys.argv[1])
    content = wire.Content("siege", asked["pieces"], asked["piece_length"])
    siege = Siege(content, tuple(asked["target"]), asked["rate"])
    siege.listen(asked["kinds"], asked["count"])
    print("ready", flush=True)
    sys.stdin.readline()
    asyncio.run(siege.run(asked["kinds"], asked["count"]))


if __name__ == "__main__":
    main()

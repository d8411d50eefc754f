#!/usr/bin/env python3
"""The honest seeder of the siege: dials the client from one address, serves what it is asked for, and dials again when it is closed.

A process of its own, so that no attacker takes its time. It unchokes a second after its first connection: until then the
client is idle with one honest peer. The last line of standard output is JSON: connections, bytes served, and how long
it was without a connection after the first.
"""

import json
import socket
import struct
import sys
import threading
import time

import wire

ADDRESS = "127.0.5.1"
UNCHOKE_AFTER_S = 1
RETRY_S = 0.25


class Seeder:
    def __init__(self, content, target, rate):
        self.content, self.target, self.rate = content, target, rate
        self.served = self.connections = 0
        self.first = None
        self.away = 0.0
        self.over = False
        self.budget_at = 0.0

    def run(self):
        lost = None
        while not self.over:
            try:
                sock = socket.create_connection(self.target, 10, (ADDRESS, 0))
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with sock, sock.makefile("rb", 1 << 16) as stream:
                    self.shake(sock, stream)
                    self.connections += 1
                    self.first = self.first or time.monotonic()
                    if lost is not None:
                        self.away += time.monotonic() - lost
                        lost = None
                    self.serve(sock, stream)
            except (OSError, EOFError, struct.error):
                pass
            if lost is None and self.first is not None:
                lost = time.monotonic()
            time.sleep(RETRY_S)

    def shake(self, sock, stream):
        sock.sendall(self.content.handshake(b"-GG0001-honest-seeder"[:20]))
        if not stream.read(68).startswith(wire.PROTOCOL):
            raise EOFError
        sock.sendall(wire.message(wire.HAVE_ALL) + wire.extended(0, {"m": {}, "reqq": 500, "v": "honest"}))

    def serve(self, sock, stream):
        sock.settimeout(None)
        wait = self.first + UNCHOKE_AFTER_S - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        sock.sendall(wire.message(wire.UNCHOKE))
        while not self.over:
            head = stream.read(4)
            length = struct.unpack(">I", head)[0]
            body = stream.read(length)
            if len(body) < length:
                raise EOFError
            if length == 13 and body[0] == wire.REQUEST:
                piece, offset, size = struct.unpack(">III", body[1:])
                self.pace(size)
                sock.sendall(wire.message(wire.PIECE, body[1:9] + self.content.block(piece, offset, size)))
                self.served += size

    def pace(self, size):
        """Sleeps so that no more than the rate goes out; at most a twentieth of a second is caught up."""
        if not self.rate:
            return
        now = time.monotonic()
        self.budget_at = max(self.budget_at, now - 0.05) + size / self.rate
        if self.budget_at > now:
            time.sleep(self.budget_at - now)


def main():
    asked = json.loads(sys.argv[1])
    seeder = Seeder(wire.Content("siege", asked["pieces"], asked["piece_length"]), tuple(asked["target"]), asked["rate"])
    print("ready", flush=True)
    sys.stdin.readline()
    threading.Thread(target=seeder.run, daemon=True).start()
    sys.stdin.read()
    seeder.over = True
    print(json.dumps({"connections": seeder.connections, "served": seeder.served, "away_s": round(seeder.away, 2)}), flush=True)


if __name__ == "__main__":
    main()

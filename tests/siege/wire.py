"""What the peers of the siege and of the soak are made of: a torrent whose bytes need no room, and the peer protocol as bytes.

Nothing here shares code with the program under test, or a mistake of it would agree with itself.
"""

import hashlib
import random
import struct

BLOCK = 16 * 1024
PROTOCOL = b"\x13BitTorrent protocol"
# Extension protocol (BEP 10) and Fast extension (BEP 6).
RESERVED = bytes([0, 0, 0, 0, 0, 0x10, 0, 0x04])

CHOKE, UNCHOKE, INTERESTED, NOT_INTERESTED, HAVE, BITFIELD, REQUEST, PIECE = range(8)
SUGGEST, HAVE_ALL, HAVE_NONE, REJECT, ALLOWED_FAST = 13, 14, 15, 16, 17
EXTENDED = 20


def bencode(value):
    """A value as bencoding (BEP 3): integers, byte strings, text, lists, dictionaries."""
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    if isinstance(value, list):
        return b"l" + b"".join(map(bencode, value)) + b"e"
    entries = sorted((key.encode() if isinstance(key, str) else key, what) for key, what in value.items())
    return b"d" + b"".join(bencode(key) + bencode(what) for key, what in entries) + b"e"


def message(kind, payload=b""):
    return struct.pack(">IB", 1 + len(payload), kind) + payload


def request(piece, offset, length=BLOCK):
    return message(REQUEST, struct.pack(">III", piece, offset, length))


def have(piece):
    return message(HAVE, struct.pack(">I", piece))


def extended(number, dictionary, rest=b""):
    return message(EXTENDED, bytes([number]) + bencode(dictionary) + rest)


class Content:
    """One file of a torrent. Its pieces differ in their first bytes alone, so any of them is made when it is asked for."""

    def __init__(self, name, pieces, piece_length, seed=1):
        self.name, self.pieces, self.piece_length, self.seed = name, pieces, piece_length, seed
        self.base = random.Random(seed).randbytes(piece_length)
        self.info = bencode({
            "length": pieces * piece_length,
            "name": name,
            "piece length": piece_length,
            "pieces": b"".join(hashlib.sha1(self.piece(n)).digest() for n in range(pieces)),
        })
        self.info_hash = hashlib.sha1(self.info).digest()

    def piece(self, n):
        head = self.head(n)
        return head + self.base[len(head):]

    def head(self, n):
        return hashlib.sha256(b"%d %d" % (self.seed, n)).digest()

    def block(self, piece, offset, length):
        if offset == 0:
            return self.head(piece)[:length] + self.base[32:length]
        return bytes(32 - offset) + self.base[32:length] if offset < 32 else self.base[offset:offset + length]

    def torrent(self, announce):
        return b"d8:announce%s4:info%se" % (bencode(announce), self.info)

    def is_right(self, path):
        """Whether the file holds the content, every byte of it."""
        try:
            with open(path, "rb") as file:
                return all(file.read(self.piece_length) == self.piece(n) for n in range(self.pieces)) and not file.read(1)
        except OSError:
            return False

    def handshake(self, peer_id):
        return PROTOCOL + RESERVED + self.info_hash + peer_id

    def bitfield(self):
        full, spare = divmod(self.pieces, 8)
        return b"\xff" * full + (bytes([0xFF << (8 - spare) & 0xFF]) if spare else b"")


def compact(addresses):
    """Peers as a tracker tells them (BEP 23)."""
    return b"".join(bytes(map(int, ip.split("."))) + struct.pack(">H", port) for ip, port in addresses)

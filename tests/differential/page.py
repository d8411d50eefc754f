"""The page of the differential: everything but its first paragraphs is measured."""

import collections
import datetime
import os
import platform

import cases

TITLES = {
    "Connect": "Connecting and shaking hands", "Framing": "Framing", "State": "Choke, interest, time", "Bitfield": "Bitfield and have",
    "Requests": "Requests to the client", "Pieces": "Blocks for the client", "Extensions": "Extensions", "Encryption": "Encryption",
    "HttpTracker": "HTTP trackers",
}

INTRODUCTION = """# How real clients react to misbehaviour

The models of the simulator (docs/simulation.md) on real sockets of one machine, beside clients as Debian ships them and beside
seedbed. The whole page is written by

```sh
just differential          # tests/differential/differential.py --out docs/differential.md
```

**How a cell comes about.** The client begins a torrent of 16 pieces of 64 KiB; nobody else is there. For rows of
*Requests*, and some others, it has the content and the model fetches it; rows of metadata begin with a magnet link. The model peer dials the client, since Transmission ignores
loopback addresses that a tracker gives; where a behaviour only shows to whoever dials, the tracker names it. The model misbehaves
for 16 s, some for longer (the cell says how long). Whoever was closed comes back from the same address with a good handshake. Then an honest
peer dials. Clients have the settings that they come with, without DHT, local discovery, peer exchange, port mapping and uTP.

**What it does not say.** A cell is one run. A client that keeps a peer may do so because the standard asks for it: *ignored* and
*completed* are often the right reactions. What a client does after the time in brackets was not looked at, nor what it does where
some of its peers are good and others bad: a client that bans on proof by a second copy of the block shows *closed* or
*re-requested* here.
"""


def machine():
    model = "unknown CPU"
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.release()}"


def table(rows, clients, cells, versions):
    lines = ["| behaviour | row | it … | " + " | ".join(clients) + " |", "| --- " * (3 + len(clients)) + "|"]
    for row in rows:
        text = row["text"].rstrip(".").replace("|", "\\|")
        words = (cases.shown(cells[row["id"], client]) for client in clients)
        name = f"`{cases.behaviour(row)}`"
        lines.append(f"| {name} | {row['row']} | {text[0].lower() + text[1:]} | " + " | ".join(words) + " |")
    return "\n".join(lines)


def totals(rows, clients, cells):
    """How often each client did what."""
    peers = [row for row in rows if row["area"] not in cases.TRACKER_AREAS]
    counted = {client: collections.Counter() for client in clients}
    for row in peers:
        for client in clients:
            seen = cells[row["id"], client]
            counted[client][seen["word"]] += 1
            counted[client]["stalled"] += bool(seen.get("stalled"))
    order = ["banned", "closed", "completed", "served", "re-requested", "ignored", "went on", "stalled", "crashed", "not reached", "not tried"]
    lines = ["| peers, " + str(len(peers)) + " rows | " + " | ".join(clients) + " |", "| --- " * (1 + len(clients)) + "|"]
    for word in order:
        if any(counted[client][word] for client in clients):
            lines.append(f"| {word} | " + " | ".join(str(counted[client][word]) for client in clients) + " |")
    return "\n".join(lines)


def noticed(rows, clients, cells):
    """What a strict reader found in what clients said to honest peers: in how many runs each."""
    found = {client: collections.Counter() for client in clients}
    for (_, client), seen in cells.items():
        found[client].update({one["text"] for one in seen.get("honest", {}).get("violations", [])})
    texts = sorted({text for counted in found.values() for text in counted})
    lines = ["| runs in which a client … | " + " | ".join(clients) + " |", "| --- " * (1 + len(clients)) + "|"]
    lines += [f"| {text} | " + " | ".join(str(found[client][text] or "") for client in clients) + " |" for text in texts]
    return "\n".join(lines) if texts else "Nothing."


def page(rows, clients, cells, different, versions, minutes, jobs):
    parts = [INTRODUCTION.rstrip()]
    known = ", ".join(versions[client] for client in clients)
    measured = sum(seen["word"] not in ("not tried", "not reached") for seen in cells.values())
    parts.append(
        f"**Measured** on {datetime.date.today().isoformat()}, {machine()}, {jobs} runs at a time, {minutes:.0f} minutes: {known}. "
        f"{len(rows)} behaviours × {len(clients)} clients = {len(cells)} cells, {measured} of them with a reaction.")
    words = "\n".join(f"- *{word}*: {meaning}." for word, meaning in cases.REACTIONS.items())
    parts.append("## Words\n\n" + words + "\n\nTimes count from when the behaviour first showed. ¹ Transmission does not dial what a tracker of this "
                 "machine names: only its requests are seen.")
    parts.append("## In sum\n\n" + totals(rows, clients, cells))
    for area, title in TITLES.items():
        own = [row for row in rows if row["area"] == area]
        if own:
            parts.append(f"## {title}\n\n" + table(own, clients, cells, versions))
    parts.append("## What honest models noticed\n\nThe honest peer that comes in the end reads strictly (`sim/src/peer/check.rs`). What it "
                 "complains of need not matter: some of it is common practice.\n\n" + noticed(rows, clients, cells))
    listed = "\n".join(f"- {text}" for text in different) or "None."
    parts.append("## Where seedbed does not do what the catalogue demands\n\n" + listed)
    left = collections.defaultdict(list)
    for name, why in cases.LEFT_OUT.items():
        left[why].append(f"`{name}`")
    reasons = "\n".join(f"- {', '.join(names)}: {why}." for why, names in left.items())
    parts.append("## Left out\n\nRows about UDP trackers (aria2 speaks to them only with its DHT on), names and the "
                 "local network, and\n\n" + reasons)
    return "\n\n".join(parts) + "\n"

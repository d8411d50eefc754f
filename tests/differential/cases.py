"""What is tried with each client, and what its reaction is called.

Peers and HTTP trackers come out of the simulator's catalogue (`seedbed sim list behaviours`): a row that is added there is a row here.
"""

import json
import re
import subprocess
import time

import rig

PEER_AREAS = ["Connect", "Framing", "State", "Bitfield", "Requests", "Pieces", "Extensions", "Encryption"]
TRACKER_AREAS = ["HttpTracker"]

# Rows that are left out, and why.
LEFT_OUT = {
    "pex": "peer exchange is off", "pex-not-a-dict": "peer exchange is off", "pex-huge": "peer exchange is off",
    "pex-flood": "peer exchange is off", "pex-flags": "peer exchange is off", "pex-many": "peer exchange is off",
    "pex-anyway": "peer exchange is off", "pex-drops-unknown": "peer exchange is off",
    "colludes": "needs a second peer of its kind", "plain-only": "shows where it is dialled encrypted",
    "cut-encryption": "shows where it is dialled", "bad-select": "shows where it is dialled encrypted",
    "takes-dont-have": "shows where a client loses a piece", "lsd": "local discovery is off",
    "http-redirect-away": "leads to other places", "http-scrape-other": "nobody scrapes", "http-cut-stopped": "shows at the end of a client",
    "http-refuse": "nothing is seen of a client at a closed port",
}

# Parameters with which a behaviour shows soon.
PARAMETERS = {
    "reset-at": "bytes=60000", "drips": 'gap="2s"', "degenerate-key": "which=0", "flaps-choke": "flaps=40", "chunked": 'bytes=1000 gap="1ms"', "connect-flood": "n=100",
    "late-key": 'late="3s"', "odd-reqq": "reqq=0", "other-protocol": "which=0",
}

# Those that only show where the client dials.
DIALLED = ["close-on-accept", "simultaneous-connect"]

# How long is looked at a behaviour whose reaction takes a client longer than others.
# Transmission looks every ten seconds whom it wants something of.
LOOK_S = 16
LOOK_RESTARTS_S = 45
LOOKS_S = {"never-speaks": 620, "falls-silent": 140, "half-header": 140, "half-block": 140, "late-blocks": 140, "silent-accept": 35, "snubs": 25, "http-stall": 45, "http-trickle": 45}

REACTIONS = {
    "banned": "ended the connection, and does not answer the handshake of whoever comes back from the same address",
    "closed": "ended the connection, and answers whoever comes back",
    "completed": "has everything, from this peer alone; served: this peer got everything from it",
    "re-requested": "kept the connection, and asked again for blocks that it had been given or refused",
    "ignored": "kept the connection, and nothing else was seen in the time in brackets",
    "went on": "the peer itself ended the connection; an honest one that came later served the client whole",
    "took its peers": "of a tracker: dialled the peer that it named",
    "asked": "of a tracker: no peer of it was dialled, it was asked so many times in all",
    "took no peers": "of a tracker: no peer of it was dialled, it was asked once; with a time: the client ended the connection itself",
    "waits": "of a tracker: no peer of it was dialled, the client held the connection for the time in brackets",
    "stalled": f"behind another word: an honest peer that came later was not used to the end within {rig.HONEST_S} s ({rig.HONEST_LINK_S} s for links)",
    "crashed": "the process ended by a signal or a failed assertion",
    "not reached": "the client never came to the place where the behaviour shows",
    "not tried": "the client ignores loopback addresses that a tracker gives, so it cannot be brought to dial",
}


def catalogue(program):
    """The rows that are tried, with what is known of them."""
    listed = json.loads(subprocess.run([program, "sim", "list", "behaviours", "--json"], check=True, capture_output=True).stdout)
    rows = [row for row in listed if row["area"] in PEER_AREAS + TRACKER_AREAS]
    return [row for row in rows if row["id"] not in LEFT_OUT]


def behaviour(row):
    return f"{row['id']} {PARAMETERS.get(row['id'], '')}".strip()


def run(row, client, number, program, folder):
    """The cell: its word, and what it was judged by."""
    with rig.Meeting(number, program, folder) as meeting:
        if row["area"] in TRACKER_AREAS:
            return beside_tracker(row, client, meeting)
        return beside_peer(row, client, meeting)


def beside_peer(row, client, meeting):
    seeds, dialled = row["scene"] == "fetches", row["id"] in DIALLED
    if dialled and client == "transmission":
        return {"word": "not tried"}
    role = ["--role", "leech"] if seeds else []
    look_s = LOOKS_S.get(row["id"], LOOK_S)
    # these end all connections and begin anew when they have the metadata, and the model is back after 16 s
    restarts = row["scene"] == "link" and client in ("transmission", "aria2")
    if restarts:
        look_s = LOOK_RESTARTS_S
    if dialled:
        peer = meeting.model("peer", 2, "-b", behaviour(row))
        tracker = meeting.tracker("--peer", peer.first["listening"])
        meeting.start_client(client, tracker)
    else:
        tracker = meeting.tracker()
        meeting.start_client(client, tracker, seeds, link=row["scene"] == "link")
        peer = meeting.model("peer", 2, "-b", behaviour(row), "--dial", meeting.target(), *role)
    began = time.monotonic()

    def settled():
        is_done = peer_is_done(peer, meeting) if seeds else meeting.is_complete(tracker)
        is_over = ended(peer) and time.monotonic() - began > 3 and not restarts
        return is_done or is_over or not meeting.client.is_running()

    rig.wait_until(settled, look_s)
    if ended(peer):
        # whoever ends it because it has everything says so in a moment
        rig.wait_until(lambda: meeting.is_complete(tracker), 1)
    seen = judge_peer(row, meeting, tracker, peer, seeds, round(time.monotonic() - began))
    if seen["word"] in ("closed", "went on") and meeting.client.is_running() and row["id"] not in DIALLED:
        if seen["word"] == "closed" and not meeting.answers(tracker, 2):
            # at once it may still be busy with the end of the other one
            time.sleep(1.5)
            if meeting.client.is_running() and not meeting.answers(tracker, 2):
                seen["word"] = "banned"
    seen["summary"] = peer.stop()
    if row["id"] not in seen["summary"]["marks"]:
        seen["word"] = "not reached"
    honest_comes(meeting, tracker, seen, role, seeds, rig.HONEST_LINK_S if row["scene"] == "link" else rig.HONEST_S)
    return seen


def honest_comes(meeting, tracker, seen, role, seeds, limit_s):
    """An honest peer dials: does the client still get on?"""
    if meeting.client.is_running() and not (meeting.is_complete(tracker) and not seeds):
        honest = meeting.model("peer", 3, "--dial", meeting.target(), *role)
        done = (lambda: peer_is_done(honest, meeting)) if seeds else (lambda: meeting.is_complete(tracker))
        if not rig.wait_until(lambda: done() or not meeting.client.is_running(), limit_s) and not done():
            seen["stalled"] = True
        seen["honest"] = honest.stop()
    if meeting.client.crashed():
        seen["word"] = "crashed"
    elif not seeds and not seen.get("stalled") and seen["word"] != "not tried":
        if not rig.wait_until(meeting.is_right, 3):
            seen["stalled"] = True


def peer_is_done(peer, meeting):
    """Whether a leech has every block."""
    got = {event["text"].split(" ", 1)[1] for event in list(peer.events) if event["way"] == "in" and event["text"].startswith("piece ")}
    return len(got) >= rig.BLOCKS


def is_end(event):
    return event["text"].startswith("closed by the other") or event["text"] in ("closes", "resets")


def open_streams(events):
    """Connections that neither side has ended."""
    streams = {}
    for event in events:
        if event["text"].startswith(("dials ", "accepted ")):
            streams[event["other"]] = True
        elif is_end(event):
            streams[event["other"]] = False
    return [stream for stream, is_open in streams.items() if is_open]


def ended(peer):
    """Whether there was a connection, and none is left."""
    events = list(peer.events)
    return any(map(is_end, events)) and not open_streams(events)


def judge_peer(row, meeting, tracker, peer, seeds, looked_s):
    events = list(peer.events)
    began = next((event["at"] for event in events if event["text"] == row["id"]), 0.0)
    closes = [event for event in events if event["text"].startswith("closed by the other")]
    ours = [event for event in events if event["text"] in ("closes", "resets")]
    done = peer_is_done(peer, meeting) if seeds else meeting.is_complete(tracker)
    seen = {"looked_s": looked_s, "closes": len(closes), "rejects": count(events, "in", "reject "), "asked_again": asked_again(events)}
    if meeting.client.crashed():
        seen["word"] = "crashed"
    elif done:
        seen["word"] = "served" if seeds else "completed"
    elif open_streams(events):
        seen["word"] = "re-requested" if seen["asked_again"] else "ignored"
    elif closes and (not ours or closes[0]["at"] < ours[0]["at"]):
        seen.update(word="closed", after_s=max(0.0, closes[0]["at"] - began))
    else:
        seen["word"] = "went on" if ours else "ignored"
    return seen


def count(events, way, text):
    return sum(event["way"] == way and event["text"].startswith(text) for event in events)


def asked_again(events):
    """Requests for blocks that were answered before, on whichever connection."""
    answered, again = set(), 0
    for event in events:
        kind, _, block = event["text"].partition(" ")
        if event["way"] == "out" and kind in ("piece", "reject"):
            answered.add(block)
        elif event["way"] == "in" and kind == "request" and block in answered:
            again += 1
    return again


def beside_tracker(row, client, meeting):
    honest = meeting.model("peer", 3)
    tracker = meeting.tracker("-b", behaviour(row), "--peer", honest.first["listening"])
    meeting.start_client(client, tracker, asks=False)
    began = time.monotonic()
    look_s = LOOKS_S.get(row["id"], LOOK_S)
    rig.wait_until(lambda: honest.has("accepted") or not meeting.client.is_running(), look_s)
    looked_s = round(time.monotonic() - began)
    events = list(tracker.events)
    asked = count(events, "in", "accepted ") if row["id"] == "http-redirect-loop" else asks(events)
    seen = {"looked_s": looked_s, "asked": asked}
    if meeting.client.crashed():
        seen["word"] = "crashed"
    elif honest.has("accepted"):
        seen["word"] = "took its peers"
    elif asked > 1:
        seen["word"] = "asked"
    elif open_streams(events):
        seen["word"] = "waits"
    else:
        seen["word"] = "took no peers"
        ended_by = [event["at"] for event in events if event["text"].startswith("closed by the other")]
        if ended_by and not any(event["text"] == "closes" for event in events):
            seen["after_s"] = ended_by[0] - events[0]["at"]
    if not honest.has("accepted") and client == "transmission":
        seen["unseen"] = True
    if seen["word"] != "took its peers" and meeting.client.is_running():
        dials = meeting.model("peer", 5, "--dial", meeting.target())
        if not rig.wait_until(lambda: meeting.is_right() or not meeting.client.is_running(), rig.HONEST_S):
            seen["stalled"] = True
        dials.stop()
    elif meeting.client.is_running() and not rig.wait_until(meeting.is_right, rig.HONEST_S):
        seen["stalled"] = True
    if meeting.client.crashed():
        seen["word"] = "crashed"
    seen["summary"] = tracker.stop()
    return seen


def asks(events):
    """Announces that were heard; where the connection ends before one can be, connections."""
    return count(events, "in", "announce ") or count(events, "in", "accepted ")


def shown(seen):
    """The words of a cell."""
    word = seen["word"]
    if "after_s" in seen and word in ("closed", "banned", "took no peers"):
        after = seen["after_s"]
        word += " at once" if after < 0.1 else f" {after:.1f} s" if after < 10 else f" {after:.0f} s"
    elif word in ("ignored", "waits", "took no peers"):
        word += f" ({seen['looked_s']} s)"
    elif word == "re-requested":
        word += f" {seen['asked_again']}×"
    elif word == "asked":
        word += f" {seen['asked']}×"
    if seen.get("rejects") and seen["word"] in ("ignored", "served", "closed", "re-requested"):
        word += f", {seen['rejects']} rejects"
    if seen.get("unseen"):
        word += " ¹"
    return word + (", stalled" if seen.get("stalled") else "")


def differs(row, seen):
    """What of a reaction of ours is not what the catalogue demands, if anything."""
    expected, word = row.get("expected"), seen["word"]
    if word == "crashed" or seen.get("stalled"):
        return f"{row['id']}: {shown(seen)}"
    fine = {"closed": ["closed", "banned"], "banned": ["banned"], "kept": ["completed", "served", "ignored", "re-requested", "went on"]}
    # the second connection of a peer, or the only one when both sides have everything
    ended_one = expected == "closed" and seen.get("closes")
    if expected in fine and word not in fine[expected] and not ended_one:
        return f"{row['id']}: {shown(seen)}, where the catalogue has: {row['reaction']}"
    return None


def versions(program):
    """Of each client."""
    def first(command):
        ran = subprocess.run(command, capture_output=True, text=True)
        return (ran.stdout + ran.stderr).strip().splitlines()[0]
    transmission = re.sub(r" \(.*", "", first(["transmission-daemon", "--version"]))
    return {"seedbed": first([program, "--version"]), "transmission": transmission.replace("transmission-daemon", "Transmission"),
            "aria2": first(["aria2c", "--version"]).replace(" version", ""),
            "libtorrent": "libtorrent " + first([rig.clients.PYTHON, "-c", "import libtorrent; print(libtorrent.version)"])}

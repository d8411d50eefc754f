#!/usr/bin/env python3
"""Runs the simulator's misbehaviours against real clients on loopback, and writes what each of them made of it.

    tests/differential/differential.py [--out docs/differential.md] [--json FILE] [--clients seedbed,libtorrent,transmission,aria2]
                                       [--only NAME,…] [--jobs 16] [--seedbed target/release/seedbed] [--folder /dev/shm]

Every cell is a run of its own: the client is started with a torrent of 1 MiB that nobody has touched, a model peer or tracker
(`seedbed sim peer`, `sim tracker`) misbehaves, and the cell says what was seen from its side of the wire (cases.py). The exit code
is 1 when seedbed itself did not do what the simulator's catalogue demands.
"""

import argparse
import concurrent.futures
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback

sys.dont_write_bytecode = True

import cases  # noqa: E402
import page  # noqa: E402
import rig  # noqa: E402

# A run that goes wrong for a reason of ours is made again, so often.
TRIES = 2


def arguments():
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--out")
    asked.add_argument("--json")
    asked.add_argument("--clients", default=",".join(rig.CLIENTS))
    asked.add_argument("--only")
    asked.add_argument("--jobs", type=int, default=16)
    asked.add_argument("--seedbed", default="target/release/seedbed")
    asked.add_argument("--folder", default="/dev/shm")
    asked = asked.parse_args()
    asked.clients = asked.clients.split(",")
    asked.seedbed = os.path.abspath(asked.seedbed)
    unknown = set(asked.clients) - set(rig.CLIENTS)
    if unknown:
        sys.exit(f"unknown: {', '.join(sorted(unknown))}")
    missing = [client for client in asked.clients if client != "seedbed" and not rig.clients.is_installed(client)]
    if missing:
        sys.exit(f"not installed: {', '.join(missing)}")
    return asked


def measured(row, client, number, asked, work):
    for left in reversed(range(TRIES)):
        try:
            # the numbers of second tries are beyond those of the first
            return cases.run(row, client, number + (TRIES - 1 - left) * 2_000, asked.seedbed, work)
        except Exception:
            if not left:
                traceback.print_exc()
                return {"word": "failed"}


def main():
    asked = arguments()
    rows = cases.catalogue(asked.seedbed)
    if asked.only:
        wanted = asked.only.split(",")
        rows = [row for row in rows if row["id"] in wanted]
        if len(rows) != len(wanted):
            sys.exit(f"not in the table: {', '.join(sorted(set(wanted) - {row['id'] for row in rows}))}")
    pairs = [(row, client) for row in rows for client in asked.clients]
    # the longest first, so that nobody waits for them alone
    pairs.sort(key=lambda pair: -cases.LOOKS_S.get(pair[0]["id"], cases.LOOK_S))
    began = time.monotonic()
    work = tempfile.mkdtemp(prefix="differential-", dir=asked.folder)
    cells = {}
    pool = concurrent.futures.ThreadPoolExecutor(asked.jobs)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        running = {pool.submit(measured, row, client, n, asked, work): (row, client) for n, (row, client) in enumerate(pairs)}
        for done in concurrent.futures.as_completed(running):
            row, client = running[done]
            seen = cells[row["id"], client] = done.result()
            print(f"{row['id']:<26}{client:<14}{cases.shown(seen)}", flush=True)
    finally:
        # interrupted: what runs now ends by itself, and with it its clients
        pool.shutdown(cancel_futures=True)
        shutil.rmtree(work)
    minutes = (time.monotonic() - began) / 60
    different = [cases.differs(row, cells[row["id"], "seedbed"]) for row in rows if "seedbed" in asked.clients]
    different = [text for text in different if text]
    if asked.json:
        with open(asked.json, "w") as file:
            json.dump({f"{name} {client}": seen for (name, client), seen in sorted(cells.items())}, file, indent=1)
    failed = sorted(f"{name} with {client}" for (name, client), seen in cells.items() if seen["word"] == "failed")
    if asked.out and not failed:
        with open(asked.out, "w") as file:
            file.write(page.page(rows, asked.clients, cells, different, cases.versions(asked.seedbed), minutes, asked.jobs))
    print(f"differential: {len(rows)} behaviours × {len(asked.clients)} clients = {len(cells)} cells in {minutes:.1f} min, "
          f"{len(different)} of seedbed's not as the catalogue demands, {len(failed)} runs failed")
    for text in different + failed:
        print(f"  {text}")
    return 1 if different or failed else 0


if __name__ == "__main__":
    sys.exit(main())

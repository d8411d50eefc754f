#!/usr/bin/env python3
"""An honest download on loopback while hostile peers do their worst, measured, for seedbed and for the clients it stands beside.

Who attacks: 200 peers of thirteen kinds in equal parts (hostile.py), each on a loopback address of its own; half of them wait to
be dialled for a while, since the tracker offers them, and all of them dial. Whoever is closed is back after a second. In runs of their own:
2,000 connections that say nothing, and fifty peers of each kind alone. The honest seeder (honest.py) comes first; where the line is
not limited the attackers do, by three seconds, and the seeder has to get in.

What is measured: peaks of RSS, of memory without a file behind it, and of descriptors; CPU time; the wall time of the download
from the moment that the honest seeder unchokes, against the run without attackers before it (median of such pairs); whether the file is right;
how often the honest seeder was closed. Memory a peer is what the peak rose over that of the run without attackers, divided by the hostile
connections that the client held at the most, by its own sockets. "All in" is seedbed with its limit of connections raised, so that
all 200 may come; the others have the limits that they come with. Some runs are repeated under a limit of 64 descriptors.

The goals are checked for seedbed alone, and the exit code tells. The last line has its figures.

    tests/siege/siege.py [--clients seedbed,aria2,transmission,libtorrent] [--rounds 3] [--parts pairs,unlimited,nofile,kinds]
                         [--mib 256] [--rate-mib 20] [--json FILE] [--seedbed target/release/seedbed] [--folder /dev/shm]
"""

import argparse
import json
import os
import shutil
import signal
import statistics
import sys
import tempfile

import hostile
import target

MIB = 1 << 20
EVERY_KIND = list(hostile.KINDS)
# Beyond the limits that a client comes with, so that all 200 are there at once.
ALL_IN = ["--max-peers", "250"]
PARTS = ["pairs", "unlimited", "nofile", "kinds"]
GOALS = {"mean_mib": 0.25, "worst_mib": 1, "whole_mib": 64, "silent_percent": 10}


def plan(client, asked):
    """The runs of one client, in their order: (part, run)."""
    rate, pieces = int(asked.rate_mib * MIB), int(asked.mib * MIB) // target.PIECE

    def run(label, kinds=(), count=0, **more):
        return target.Run(client, kinds, count, **{"rate": rate, "pieces": pieces, **more}, label=label)

    if "pairs" in asked.parts:
        for _ in range(asked.rounds):
            yield run("none")
            yield run("siege", EVERY_KIND, 200)
            if client == "seedbed":
                yield run("siege, all in", EVERY_KIND, 200, more=ALL_IN)
            yield run("silent", ["silent"], 2000)
    if "unlimited" in asked.parts:
        free = {"rate": 0, "pieces": pieces * 4, "attack_first_s": 3}
        for _ in range(asked.rounds):
            yield run("unlimited, none", **free)
            yield run("unlimited, siege", EVERY_KIND, 200, **free)
            yield run("unlimited, silent", ["silent"], 2000, **free)
    if "nofile" in asked.parts:
        yield run("64 descriptors, none", nofile=64)
        yield run("64 descriptors, siege", EVERY_KIND, 200, nofile=64)
        yield run("64 descriptors, silent", ["silent"], 2000, nofile=64)
        yield run("64 descriptors, siege first", EVERY_KIND, 200, nofile=64, attack_first_s=3)
    if "kinds" in asked.parts:
        yield run("none, for the kinds", pieces=pieces // 2)
        for kind in EVERY_KIND:
            yield run(f"only {kind}", [kind], 50, pieces=pieces // 2, more=ALL_IN if client == "seedbed" else ())


def say(figures):
    attack = figures["attack"]
    print(f"{figures['client']:<13}{figures['label']:<29}{figures['wall_s']:>7.2f} s{figures['cpu_s']:>7.2f} CPU s"
          f"{figures['rss_peak_kib'] / 1024:>8.1f} MiB{figures['anon_peak_kib'] / 1024:>8.1f} anon{figures['fds_peak']:>6} fds"
          f"{attack.get('held_mean', 0):>7.0f} held{attack.get('made', 0):>7} made{attack.get('sent', 0) / MIB:>7.0f} MiB sent"
          f"  {'right' if figures['right'] else 'NOT RIGHT'}{'' if figures['ended'] else ', NOT ENDED, exit code %s' % figures['exit']}"
          f"{'' if figures['honest']['connections'] == 1 else ', the honest seeder connected %d times' % figures['honest']['connections']}",
          flush=True)


def median(values):
    values = list(values)
    return statistics.median(values) if values else None


def labelled(runs, label):
    return [run for run in runs if run["label"] == label]


def slowdown_percent(runs, label, against):
    """Median over the pairs of one round each."""
    pairs = zip(labelled(runs, against), labelled(runs, label))
    return median(100 * (attacked["wall_s"] / free["wall_s"] - 1) for free, attacked in pairs)


def memory_a_peer_mib(runs, label, against):
    """What one hostile connection that was held cost, on the mean; the median of the rounds."""
    def one(free, attacked):
        held = attacked["sockets_peak"] - free["sockets_peak"]
        return max(0, attacked["anon_peak_kib"] - free["anon_peak_kib"]) / 1024 / held if held > 0 else None
    found = (one(free, attacked) for free, attacked in zip(labelled(runs, against), labelled(runs, label)))
    return median(value for value in found if value is not None)


def summary(runs):
    """The figures of one client, by name; None where its runs were not asked for."""
    kinds = {kind: memory_a_peer_mib(runs, f"only {kind}", "none, for the kinds") for kind in EVERY_KIND}
    kinds = {kind: value for kind, value in kinds.items() if value is not None}
    sieges = labelled(runs, "siege, all in") or labelled(runs, "siege")
    label = sieges[0]["label"] if sieges else "siege"
    limited = [run for run in runs if run["nofile"]]
    return {
        "mean_mib": memory_a_peer_mib(runs, label, "none"),
        "worst_mib": max(kinds.values(), default=None),
        "worst_kind": max(kinds, key=kinds.get, default=None),
        "whole_mib": median((run["rss_peak_kib"] - run["rss_idle_kib"]) / 1024 for run in sieges),
        "whole_anon_mib": median((run["anon_peak_kib"] - run["anon_idle_kib"]) / 1024 for run in sieges),
        "whole_free_mib": median((run["rss_peak_kib"] - run["rss_idle_kib"]) / 1024 for run in labelled(runs, "none")),
        "held": median(run["sockets_peak"] for run in sieges),
        "siege_percent": slowdown_percent(runs, "siege", "none"),
        "all_in_percent": slowdown_percent(runs, "siege, all in", "none"),
        "silent_percent": slowdown_percent(runs, "silent", "none"),
        "unlimited_siege_percent": slowdown_percent(runs, "unlimited, siege", "unlimited, none"),
        "unlimited_silent_percent": slowdown_percent(runs, "unlimited, silent", "unlimited, none"),
        "cpu_free_s": median(run["cpu_s"] for run in labelled(runs, "none")),
        "cpu_siege_s": median(run["cpu_s"] for run in sieges),
        "descriptors_of_64": max((run["fds_peak"] for run in limited), default=None),
        "descriptors": max(run["fds_peak"] for run in runs),
        "right": f"{sum(run['right'] and run['ended'] for run in runs)} of {len(runs)}",
        "honest_closed": sum(max(0, run["honest"]["connections"] - 1) for run in runs),
        "kinds_mib": kinds,
    }


def judge(figures, runs):
    """Which goals are missed, in words."""
    missed = [f"{name} is {figures[name]:.2f}, not at most {goal}" for name, goal in GOALS.items() if (figures[name] or 0) > goal]
    if (figures["descriptors_of_64"] or 0) > 64 - 8:
        missed.append(f"{figures['descriptors_of_64']} descriptors of 64")
    missed += [f"{run['label']}: not right, or not ended" for run in runs if not (run["right"] and run["ended"])]
    return missed


def shown(value):
    return "-" if value is None else f"{value:.2f}" if isinstance(value, float) else str(value)


def table(summaries):
    """One row a figure, one column a client."""
    print("\n| figure | " + " | ".join(summaries) + " |\n| --- |" + " --- |" * len(summaries))
    for name in next(iter(summaries.values())):
        if name != "kinds_mib":
            print(f"| {name} | " + " | ".join(shown(figures[name]) for figures in summaries.values()) + " |")
    for kind in EVERY_KIND:
        print(f"| MiB a peer, {kind} | " + " | ".join(shown(figures["kinds_mib"].get(kind)) for figures in summaries.values()) + " |")


def arguments():
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--clients", default="seedbed")
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--parts", default=",".join(PARTS))
    asked.add_argument("--mib", type=float, default=256)
    asked.add_argument("--rate-mib", type=float, default=20)
    asked.add_argument("--json", default=None)
    asked.add_argument("--folder", default="/dev/shm")
    asked.add_argument("--seedbed", default="target/release/seedbed")
    asked = asked.parse_args()
    asked.parts = asked.parts.split(",")
    asked.clients = asked.clients.split(",")
    asked.seedbed = os.path.abspath(asked.seedbed)
    unknown = set(asked.parts) - set(PARTS) | set(asked.clients) - set(target.NAMES)
    if unknown:
        sys.exit(f"unknown: {', '.join(sorted(unknown))}")
    return asked


def main():
    asked = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started is ended, and the folder removed
    asked.work = tempfile.mkdtemp(prefix="siege-", dir=asked.folder)
    runs = {}
    try:
        for client in asked.clients:
            if client != "seedbed" and not target.clients.is_installed(client):
                print(f"{client} is not installed")
                continue
            runs[client] = []
            for run in plan(client, asked):
                runs[client].append(target.measured(run, asked))
                say(runs[client][-1])
    finally:
        shutil.rmtree(asked.work)
    summaries = {client: summary(done) for client, done in runs.items()}
    table(summaries)
    if asked.json:
        with open(asked.json, "w") as file:
            json.dump({"summaries": summaries, "runs": runs}, file, indent=1)
    if "seedbed" not in runs:
        return 0
    ours = summaries["seedbed"]
    missed = judge(ours, runs["seedbed"])
    print("\n" + ("; ".join(missed) if missed else "every goal that was measured is reached"))
    print("siege: " + ", ".join(f"{name} {shown(value)}" for name, value in ours.items() if name != "kinds_mib"))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

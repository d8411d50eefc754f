#!/usr/bin/env python3
"""In how many worlds the planted mutants are found: by one seed after the other, by `sim sweep --guided`, and by the same that
begins with the worlds which a sweep of an engine without mutants has kept.

  guided.py              mutants of the engine that a world can show; prints a table
  guided.py --only 8,9   some of them
"""

import argparse
import concurrent.futures
import os
import shutil
import statistics

import run

# the kept worlds come from other seeds than those that look for mutants
KEPT_FROM = "1000000..1004000"


def corpus():
    path = run.OUT / "corpus.json"
    path.unlink(missing_ok=True)
    run.sweep(0, KEPT_FROM, "--guided", "--corpus", path, jobs=os.cpu_count())
    return path


def uniform(number, most):
    for first, end in zip(run.PARTS, run.PARTS[1:]):
        if first >= most:
            break
        failed = (run.sweep(number, f"{first}..{min(end, most)}") or {}).get("failed")
        if failed:
            return 1 + min(one["seed"] for one in failed)
    return None


def guided(number, most, kept=None):
    more = []
    if kept:
        # what a sweep without a failure kept would be written over it
        own = kept.with_name(f"corpus-{number}.json")
        shutil.copyfile(kept, own)
        more = ["--corpus", own]
    told = run.sweep(number, f"0..{most}", "--guided", "--until-failure", *more) or {}
    return told.get("first_failure")


def measure(mutant, most, kept):
    number = mutant["id"]
    return uniform(number, most), guided(number, most), guided(number, most, kept)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only")
    parser.add_argument("--worlds", type=int, default=3000, help="worlds to run at the most")
    args = parser.parse_args()
    every = run.mutants()
    only = args.only and {int(number) for number in args.only.split(",")}
    shown = [
        mutant
        for mutant in every
        if mutant["of"] == "engine"
        and not mutant.get("twice")
        and not all(run.is_test(name) for name in mutant["expect"])
        and (not only or mutant["id"] in only)
    ]
    run.copy(every)
    run.build()
    kept = corpus()
    print("| | mutant | seeds | guided | guided, with what was kept |\n|---|---|---|---|---|", flush=True)
    found = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for mutant, counts in zip(shown, pool.map(lambda one: measure(one, args.worlds, kept), shown)):
            found.append(counts)
            cells = " | ".join("–" if count is None else str(count) for count in counts)
            print(f"| {mutant['id']} | {mutant['name']} | {cells} |", flush=True)
    for name, column in zip(("seeds", "guided", "with what was kept"), zip(*found)):
        capped = [args.worlds if count is None else count for count in column]
        missed = sum(count is None for count in column)
        mean = statistics.geometric_mean(capped)
        print(f"{name}: median {statistics.median(capped):g}, geometric mean {mean:.1f}, sum {sum(capped)}, {missed} of {len(capped)} not found")


if __name__ == "__main__":
    main()

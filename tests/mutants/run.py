#!/usr/bin/env python3
"""Plants the mutants of engine.toml and sim.toml in a copy of the tree, and says who notices each.

All of them are compiled into one copy below target/mutants, behind `crate::mutant(n)`, which reads the variable
SEEDBED_MUTANT: a mutant is a run with another value. With 0 the copy has to behave as the tree does.

For each mutant of the engine seeds are swept in growing parts until a world fails. The oracle of the first failing seed has
to be one that the mutant names; another one counts as a miss, however true its complaint. A mutant that names a test is
noticed by that test. Then `sim shrink` makes the failing world small. For a mutant of the simulator see sim.toml.

  run.py                 all of them; prints a table
  run.py --only 7,33     some of them; what was found of the others before is kept
  run.py --quick         three of them, for continuous integration
  run.py --write         the table into docs/simulation.md, between its markers
  run.py --check         only whether each `find` occurs once in its file
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OUT = ROOT / "target" / "mutants" / "planted"
TREE = OUT / "tree"
BUILD = OUT / "build"
RESULTS = OUT / "results.json"
DOCS = ROOT / "docs" / "simulation.md"
MARKERS = ("<!-- mutants: written by tests/mutants/run.py --write -->", "<!-- mutants end -->")

QUICK = (1, 11, 19)
# parts of the seeds, each after the one before
PARTS = (0, 32, 200, 1000, 2500, 5000, 10000, 20000)
# a world that never ends is noticed by this
PART_SECONDS = 600
SHRINK_SECONDS = 20
DEMANDED = "0..10000"

SWITCH = '''
/// Whether this mutant is the one of this run: only ever in a copy of the tree that mutants are planted in.
pub fn mutant(number: u32) -> bool {
    static CHOSEN: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
    let chosen = || std::env::var("SEEDBED_MUTANT").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    *CHOSEN.get_or_init(chosen) == number
}
'''


def mutants():
    every = []
    for name in ("engine", "sim"):
        for mutant in tomllib.loads((HERE / f"{name}.toml").read_text())["mutant"]:
            every.append({**mutant, "of": name})
    numbers = [mutant["id"] for mutant in every]
    assert len(set(numbers)) == len(numbers), "a number is given twice"
    return every


def planted(every):
    """The text of each file that is changed, with all mutants in it."""
    edits = {}
    for mutant in every:
        for edit in mutant["edit"]:
            text = (ROOT / edit["file"]).read_text()
            count = text.count(edit["find"])
            if count != 1:
                sys.exit(f"mutant {mutant['id']}: {edit['file']} has {count} places that read\n{edit['find']}")
            at = text.index(edit["find"])
            edits.setdefault(edit["file"], []).append((at, at + len(edit["find"]), edit["replace"], mutant["id"]))
    files = {}
    for file, places in edits.items():
        text, end = (ROOT / file).read_text(), None
        for start, stop, replace, number in sorted(places, reverse=True):
            if end is not None and stop > end:
                sys.exit(f"mutant {number}: its place in {file} is another one's, too")
            text, end = text[:start] + replace + text[stop:], start
        files[file] = text
    for lib, switch in (
        ("engine/src/lib.rs", SWITCH),
        ("sim/src/lib.rs", "\npub use seedbed_engine::mutant;\n"),
    ):
        text = files.get(lib) or (ROOT / lib).read_text()
        files[lib] = text.replace("#[cfg(test)]\nextern crate std;", "extern crate std;") + switch
    return files


def copy(every):
    """Makes the copy, and touches only what differs: cargo builds by times."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True
    )
    names = [name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]
    changed = planted(every)
    for name in names:
        data = changed[name].encode() if name in changed else (ROOT / name).read_bytes()
        to = TREE / name
        if not to.exists() or to.read_bytes() != data:
            to.parent.mkdir(parents=True, exist_ok=True)
            to.write_bytes(data)
            to.chmod((ROOT / name).stat().st_mode)
    for path in TREE.rglob("*"):
        if path.is_file() and str(path.relative_to(TREE)) not in names:
            path.unlink()
    shared, link = ROOT.parent / "shared", OUT / "shared"
    if shared.exists() and not link.exists():
        link.symlink_to(shared.resolve())


def environment(number):
    return {
        **os.environ,
        "SEEDBED_MUTANT": str(number),
        "CARGO_TARGET_DIR": str(BUILD),
        "CARGO_PROFILE_RELEASE_LTO": "off",
        "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "16",
        "CARGO_PROFILE_RELEASE_INCREMENTAL": "true",
        "INSTA_UPDATE": "no",
    }


def cargo(*args):
    done = subprocess.run(["cargo", *args], cwd=TREE, env=environment(0), stdout=subprocess.PIPE, check=True)
    return done.stdout.decode()


def build():
    cargo("build", "--quiet", "--release", "-p", "seedbed")


def build_tests(names):
    """The programs of tests, by the first words of their names."""
    targets = {
        "engine": ("-p", "seedbed-engine", "--lib"),
        "sim": ("-p", "seedbed-sim", "--lib"),
    }
    programs = {}
    for name in names:
        target = targets.get(name) or ("-p", "tests", "--test", name)
        said = cargo("test", "--quiet", "--release", "--no-run", "--message-format=json", *target)
        messages = (json.loads(line) for line in said.splitlines() if line.startswith("{"))
        made = [m["executable"] for m in messages if m.get("executable") and m["profile"]["test"]]
        programs[name] = made[-1]
    return programs


def run(args, number, seconds, cwd=TREE):
    """Exit code and output; None when it took too long."""
    try:
        done = subprocess.run(
            [str(arg) for arg in args], cwd=cwd, env=environment(number), capture_output=True, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        return None, ""
    return done.returncode, done.stdout.decode(errors="replace")


def seedbed(*args):
    return [BUILD / "release" / "seedbed", "sim", *args]


def last_json(text):
    lines = [line for line in text.splitlines() if line.startswith("{")]
    return json.loads(lines[-1]) if lines else {}


def sweep(number, seeds, *more, jobs=1):
    code, text = run(
        seedbed("sweep", "--seeds", seeds, "--json", "--quiet", "--jobs", str(jobs), *more), number, PART_SECONDS
    )
    if code not in (None, 0, 6):
        sys.exit(f"sim sweep ended with {code}: {text[-500:]}")
    return None if code is None else last_json(text)


def split(name):
    """A test's program and what its name begins with."""
    crate, _, rest = name.partition(" ")
    if crate == "tests":
        crate, _, rest = rest.partition("::")
    return crate, rest


def is_test(name):
    return name.partition(" ")[0] in ("tests", "engine", "sim")


def test_fails(programs, name, number):
    """The tests that fail, of those whose names begin so."""
    crate, prefix = split(name)
    # a test finds its files from the folder of its package
    cwd = TREE / {"engine": "engine", "sim": "sim"}.get(crate, "tests")
    code, text = run([programs[crate], prefix, "--test-threads", "1"], number, PART_SECONDS, cwd)
    if code is None:
        return ["(it does not end)"]
    failed = [line.split()[1] for line in text.splitlines() if line.startswith("test ") and line.endswith("FAILED")]
    return failed if code else []


def hunt(mutant, seeds_max):
    """The first failing seed: its number, its oracle and what it says."""
    more = ["--twice"] if mutant.get("twice") else []
    for first, end in zip(PARTS, PARTS[1:]):
        if first >= seeds_max:
            break
        told = sweep(mutant["id"], f"{first}..{min(end, seeds_max)}", *more)
        if told is None:
            return {"oracle": "time", "seed": first, "text": f"the seeds {first}..{end} do not end"}
        if told.get("failed"):
            failed = told["failed"]
            by = [one["oracle"] for one in failed]
            counts = {oracle: by.count(oracle) for oracle in sorted(set(by), key=by.index)}
            return {**min(failed, key=lambda one: one["seed"]), "counts": counts}
    return None


def judged(found):
    """Whose complaint it is. An M oracle runs the world again in another form: what fails in that one is named in its text."""
    inner = re.search(r": ([IL]\d+) ", found["text"])
    if found["oracle"].startswith("M") and inner:
        return inner[1], f"{inner[1]} (in a run of {found['oracle']})"
    return found["oracle"], found["oracle"]


def shrunk(number, seed):
    code, text = run(
        seedbed("shrink", str(seed), "--json", "--quiet", "--time-limit", f"{SHRINK_SECONDS}s"), number, PART_SECONDS
    )
    return last_json(text) if code == 0 else None


def judge_engine(mutant, programs, args):
    number, expected = mutant["id"], mutant["expect"]
    tests = [name for name in expected if is_test(name)]
    for name in tests:
        failed = test_fails(programs, name, number)
        if failed:
            return {"killed": True, "by": f"`{failed[0]}`"}
    if tests and len(tests) == len(expected):
        return {"killed": False, "by": "nobody"}
    found = hunt(mutant, args.seeds)
    if found is None:
        return {"killed": False, "by": "nobody"}
    oracle, by = judged(found)
    result = {
        "killed": oracle in expected,
        "by": by,
        "seed": found["seed"],
        "seeds": found["seed"] + 1,
        "text": found["text"],
        "counts": found.get("counts", {}),
    }
    if result["killed"] and args.shrink and not mutant.get("twice"):
        small = shrunk(number, found["seed"])
        if small:
            result |= {key: small[key] for key in ("lines", "lines_before", "tried", "done", "scenario")}
            result["shrunk_by"] = small["oracle"]
    return result


def judge_sim(mutant, programs):
    number = mutant["id"]
    for name in mutant["expect"]:
        if is_test(name):
            failed = test_fails(programs, name, number)
            if failed:
                return {"killed": True, "by": f"`{failed[0]}`"}
        elif name == "canary":
            told = sweep(number, "0..300", "--canary", jobs=2)
            if told is not None and not any(one["oracle"] == "I2" for one in told["failed"]):
                return {"killed": True, "by": "the canary, which nobody reports"}
        else:
            told = sweep(number, DEMANDED, "--demand-all", jobs=2)
            unseen = name.partition(" ")[2]
            if told is not None and unseen in told["unseen"]:
                many = len(told["unseen"])
                return {"killed": True, "by": f"`--demand-all`: {unseen}" + (f" and {many - 1} more" if many > 1 else "")}
    return {"killed": False, "by": "nobody"}


def same_without(seeds):
    """With no mutant chosen the copy goes the same way as the tree."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    subprocess.run(["cargo", "build", "--quiet", "--release", "-p", "seedbed"], cwd=ROOT, check=True)
    args = ["sim", "sweep", "--seeds", seeds, "--json", "--quiet"]
    plain = subprocess.run([target / "release" / "seedbed", *args], capture_output=True, check=True)
    mine, theirs = sweep(0, seeds, jobs=2), last_json(plain.stdout.decode())
    if mine["failed"] or mine["digest"] != theirs["digest"]:
        sys.exit(f"without a mutant the copy is not the tree: {mine['digest']} and {theirs['digest']}")
    print(f"seeds {seeds} without a mutant: {mine['digest']}, as in the tree", flush=True)


def row(mutant, result):
    lines = result.get("lines")
    size = f"{lines} of {result['lines_before']}" if lines is not None else ""
    verdict = "yes" if result["killed"] else "**no**"
    expected = ", ".join(name if not is_test(name) else f"`{name}`" for name in mutant["expect"])
    return f"| {mutant['id']} | {mutant['name']} | {verdict} | {result['by']} | {expected} | {result.get('seeds', '')} | {size} |"


def table(every, results):
    known = [(mutant, results[str(mutant["id"])]) for mutant in every if str(mutant["id"]) in results]
    parts = []
    for of, title in (("engine", "the engine"), ("sim", "the simulator")):
        here = [(mutant, result) for mutant, result in known if mutant["of"] == of]
        if not here:
            continue
        killed = sum(result["killed"] for _, result in here)
        sizes = [result["lines"] for _, result in here if result.get("lines") is not None]
        line = f"Of {len(here)} mutants of {title}, {killed} are noticed for the right reason."
        if sizes:
            line += f" The world that shows one has {statistics.median(sizes):g} lines in the median, {max(sizes)} at the most."
        head = "| | mutant | noticed | by | expected | seeds | lines |\n|---|---|---|---|---|---|---|"
        parts.append("\n".join([line, "", head, *(row(mutant, result) for mutant, result in here)]))
    return "\n\n".join(parts)


def write(every, results):
    missing = [mutant["id"] for mutant in every if str(mutant["id"]) not in results]
    if missing:
        sys.exit(f"nothing is known of {missing}; run all of them first")
    text = DOCS.read_text()
    before, after = text.index(MARKERS[0]) + len(MARKERS[0]), text.index(MARKERS[1])
    DOCS.write_text(f"{text[:before]}\n{table(every, results)}\n{text[after:]}")


def parsed():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="numbers, with commas between")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--seeds", type=int, default=PARTS[-1], help="seeds to sweep at the most")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="mutants at a time")
    parser.add_argument("--no-shrink", dest="shrink", action="store_false")
    parser.add_argument("--no-compare", dest="compare", action="store_false", help="do not build and compare the tree itself")
    return parser.parse_args()


def judge(mutant, programs, args):
    began = time.monotonic()
    if mutant["of"] == "engine":
        result = judge_engine(mutant, programs, args)
    else:
        result = judge_sim(mutant, programs)
    result["took"] = round(time.monotonic() - began, 1)
    return result


def main():
    args = parsed()
    every = mutants()
    if args.check:
        planted(every)
        return
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    if args.only != "none":
        chosen = {int(number) for number in args.only.split(",")} if args.only else None
        chosen = set(QUICK) if args.quick else chosen
        run_all([mutant for mutant in every if chosen is None or mutant["id"] in chosen], every, results, args)
    if args.write:
        write(every, results)
    shown = [mutant for mutant in every if str(mutant["id"]) in results]
    if args.quick:
        shown = [mutant for mutant in shown if mutant["id"] in QUICK]
    print(table(shown, results))
    if not all(results[str(mutant["id"])]["killed"] for mutant in shown):
        sys.exit(1)


def run_all(chosen, every, results, args):
    copy(every)
    build()
    named = {split(name)[0] for mutant in chosen for name in mutant["expect"] if is_test(name)}
    programs = build_tests(sorted(named))
    if args.compare:
        same_without("0..300")
    for name in sorted({name for mutant in chosen for name in mutant["expect"] if is_test(name)}):
        failed = test_fails(programs, name, 0)
        if failed:
            sys.exit(f"{name} fails without a mutant: {failed}")
    with concurrent.futures.ThreadPoolExecutor(args.workers) as pool:
        jobs = {pool.submit(judge, mutant, programs, args): mutant for mutant in chosen}
        for job in concurrent.futures.as_completed(jobs):
            mutant, result = jobs[job], job.result()
            results[str(mutant["id"])] = result
            RESULTS.write_text(json.dumps(results, indent=1))
            print(row(mutant, result), f"{result['took']} s", result.get("counts", ""), flush=True)


if __name__ == "__main__":
    main()

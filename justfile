# Every recipe is a plain command, or a script that runs without `just`. (`pip install rust-just` or `cargo install just` gives the tool.)

# list the recipes
default:
    @just --list --unsorted

# exactly what continuous integration runs: installs the real clients, so best as root in a container
[group('check')]
ci:
    .ci/run

# all tests that need nothing installed
[group('check')]
test *ARGS:
    cargo test --workspace {{ARGS}}

# the same with nextest, which is faster and names slow tests
[group('check')]
nextest *ARGS:
    cargo nextest run --workspace {{ARGS}}

# format the code
[group('check')]
fmt:
    cargo fmt --all

# clippy over everything, warnings are errors
[group('check')]
lint:
    cargo clippy --workspace --all-targets -- -D warnings

# module order, file and function lengths, snapshots: the rules of CONTRIBUTING.md that a machine can hold
[group('check')]
tidy:
    cargo test -p tests --test tidy

# licences, duplicate versions and sources of what is built in (needs cargo-deny)
[group('check')]
deny:
    cargo deny check bans licenses sources

# rewrite the snapshots, then read `git diff snapshots` before committing
[group('snapshots')]
accept *ARGS:
    INSTA_UPDATE=always cargo test -p tests {{ARGS}}

# snapshots that no test looks at
[group('snapshots')]
unused-snapshots:
    .ci/unused-snapshots

# ten million damaged inputs over every reader of foreign bytes, optimised; CI takes 200,000
[group('robustness')]
hostile INPUTS='10000000':
    SEEDBED_HOSTILE={{INPUTS}} cargo test --release -p tests --test hostile -- --nocapture

# cut the power of simulated machines at so many places of small downloads, optimised; CI takes 400
[group('robustness')]
power-cuts CUTS='10000':
    SEEDBED_CUTS={{CUTS}} cargo test --release -p tests --test faults cuts -- --nocapture

# every disk operation of a 40-piece download fails once and for a minute, and pairs of them; CI takes a part
[group('robustness')]
disk-faults PAIRS='10000':
    SEEDBED_POINTS=1000000 SEEDBED_POINT_PAIRS={{PAIRS}} cargo test --release -p tests --test faults points -- --nocapture

# one liar among twenty peers, in so many worlds of each kind
[group('robustness')]
liars WORLDS='1000':
    SEEDBED_LIARS={{WORLDS}} cargo test --release -p tests --test faults liars -- --nocapture

# fuzz every reader, and the engine under lists of events: so many seconds each (needs cargo-fuzz)
[group('robustness')]
fuzz SECONDS='420' *READERS:
    engine/fuzz/run {{SECONDS}} {{READERS}}

# lines of the engine that run by the tests and a sweep (at least 85 %), and by the sweep alone (90 %); `--sweep-only`, `--lines` (needs llvm-cov)
[group('robustness')]
coverage *ARGS:
    .ci/coverage {{ARGS}}

# bugs planted in a copy of the tree, and which oracle or test notices each: such as `just mutants --only 7,33`, `--write`
[group('robustness')]
mutants *ARGS:
    tests/mutants/run.py {{ARGS}}

# who notices a mutant of a module of the engine: such as `just mutants-engine picker 0/8` (needs cargo-mutants)
[group('robustness')]
mutants-engine MODULE SHARD='0/1':
    .ci/mutants {{MODULE}} {{SHARD}}

# an honest download among 200 hostile peers and 2,000 silent connections: such as `just siege --clients seedbed,aria2 --json FILE`
[group('robustness')]
siege *ARGS:
    cargo build --release
    tests/siege/siege.py {{ARGS}}

# an hour of downloads and uploads while peers and trackers come, fail and go: does memory grow? (`--minutes N`)
[group('robustness')]
soak *ARGS:
    cargo build --release
    tests/siege/soak.py {{ARGS}}

# against aria2, Transmission, libtorrent and opentracker on loopback (.ci/clients installs them)
[group('real')]
interop *ARGS:
    cargo build --release
    cargo test -p tests --test interop -- --ignored --test-threads=1 --skip what_recording_costs {{ARGS}}

# what seedbed, libtorrent, Transmission and aria2 make of peers and trackers that misbehave: docs/differential.md
[group('real')]
differential *ARGS:
    cargo build --release
    tests/differential/differential.py --out docs/differential.md {{ARGS}}

# kill -9 at random instants, again and again; then what was lost and what was fetched again
[group('real')]
crash KILLS='200':
    cargo build --release
    SEEDBED_KILLS={{KILLS}} cargo test -p tests --test interop faults::crash -- --ignored --nocapture

# downloads over a disk of 16 MiB that fills up, and is freed (as root)
[group('real')]
disk-full ROUNDS='20':
    cargo build --release
    SEEDBED_DISK_FULL={{ROUNDS}} cargo test -p tests --test interop faults::disk_full::a_full -- --ignored --nocapture

# a download with 64 descriptors and so many peers on offer
[group('real')]
few-descriptors OFFERED='5000':
    cargo build --release
    SEEDBED_OFFERED={{OFFERED}} cargo test -p tests --test interop faults::descriptors -- --ignored --nocapture

# the folder of a download is removed, moved, linked elsewhere, unmounted, read-only (as root); hostile names and links
[group('real')]
faults:
    cargo build --release
    cargo test -p tests --test interop faults:: -- --ignored --nocapture --test-threads=1

# pages of runs in headless Chromium (.ci/clients installs it)
[group('real')]
pictures *ARGS:
    cargo test -p tests --test pictures -- --ignored --test-threads=1 {{ARGS}}

# record the sessions of tests/data/journals anew, when a decision has changed on purpose
[group('real')]
journals:
    cargo build --release
    SEEDBED_JOURNALS=$PWD/tests/data/journals cargo test -p tests --test interop record::sessions -- --ignored --nocapture

# what recording costs: ten pairs of downloads of a GiB, on a quiet machine
[group('real')]
record-cost:
    cargo build --release
    cargo test -p tests --test interop record::what_recording_costs -- --ignored --nocapture

# what a block costs the engine: instructions, which no busy machine changes (needs valgrind)
[group('speed')]
instructions:
    .ci/instructions

# the same in time
[group('speed')]
bench-engine:
    cargo bench -p seedbed-engine --bench download

# what the engine holds in memory: a large torrent, a peer, an idle torrent
[group('speed')]
bench-memory:
    cargo bench -p seedbed-engine --bench memory

# downloads beside every other client that is installed, on loopback: such as `just bench-peers --gib 2 --seeders 8`
[group('speed')]
bench-peers *ARGS:
    cargo build --release
    tests/speed/bench-peers.py {{ARGS}}

# one simulated world: a seed or a scenario file
[group('simulator')]
sim WORLD *ARGS:
    cargo run --release -- sim run {{WORLD}} --timeline {{ARGS}}

# many simulated worlds, such as `just sweep 0..10000`
[group('simulator')]
sweep SEEDS='0..2000' *ARGS:
    cargo run --release -- sim sweep --seeds {{SEEDS}} {{ARGS}}

# download a small torrent over loopback, nothing needed
[group('real')]
demo:
    cargo run --release -- demo

# the optimised binary, in target/release
[group('release')]
release:
    cargo build --release --locked

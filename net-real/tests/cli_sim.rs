//! `seedbed sim` where it works on worlds that fail. A planted bug stands for those of the engine.

mod support;

use seedbed_sim::scenario::kdl::parse;
use support::Sandbox;

/// The first seed whose world shows the planted bug.
fn failing(sandbox: &Sandbox) -> u64 {
    let swept = sandbox
        .expect(6, "sim sweep --seeds 0..60 --canary --quiet --json")
        .json();
    swept["failed"][0]["seed"].as_u64().expect("a seed")
}

#[test]
fn a_failing_seed_becomes_a_small_file_and_says_what_it_shows() {
    let sandbox = Sandbox::new();
    let seed = failing(&sandbox);
    let shrunk = sandbox.expect(0, &format!("sim shrink {seed} --canary -o small.kdl --json"));
    let told = shrunk.json();
    assert_eq!(told["oracle"], "I2");
    assert_eq!(told["done"], true);
    let lines = told["lines"].as_u64().expect("a number");
    assert!(
        lines <= 10 && lines < told["lines_before"].as_u64().expect("a number"),
        "{told}"
    );

    let read = |name: &str| std::fs::read_to_string(sandbox.path().join(name)).expect("it was written");
    let text = read("small.kdl");
    assert!(text.starts_with("// I2 "), "{text}");
    parse(&text).expect("a scenario");
    assert!(
        read("small.timeline").contains("verified"),
        "{}",
        read("small.timeline")
    );
    assert!(told["events"].as_u64().expect("a number") <= 30, "{told}");
    sandbox.expect(0, "replay small.journal");
    // without the bug the rule holds in the same world
    sandbox.expect(0, "sim run small.kdl");

    sandbox.expect(0, "sim shrink small.kdl --canary -o again.kdl");
    assert_eq!(read("again.kdl"), text, "what was shrunk stays as it is");
}

#[test]
fn a_world_that_holds_is_not_shrunk() {
    let sandbox = Sandbox::new();
    let refused = sandbox.expect(1, "sim shrink 1");
    assert!(refused.err.contains("every rule holds"), "{}", refused.err);
    sandbox.expect(3, "sim shrink no-such-file.kdl");
}

#[test]
fn the_moment_of_a_failure_is_told_by_its_own_command_and_in_the_report() {
    let sandbox = Sandbox::new();
    let seed = failing(&sandbox);
    sandbox.expect(0, &format!("sim shrink {seed} --canary -o small.kdl"));
    let found = sandbox.expect(0, "sim bisect small.kdl --canary --futures 4");
    assert!(
        found.out.contains("I2 ") && found.out.contains("certain"),
        "{}",
        found.out
    );
    let swept = sandbox.expect(
        6,
        &format!("sim sweep --seeds {seed}..{} --canary --audit-every 99", seed + 1),
    );
    assert!(swept.out.contains("  certain "), "{}", swept.out);
    assert!(
        swept.out.contains(" --audit-every 99 --timeline"),
        "{}",
        swept.out
    );
    let refused = sandbox.expect(1, "sim bisect 1");
    assert!(refused.err.contains("every rule holds"), "{}", refused.err);
}

#[test]
fn parts_of_a_sweep_are_added_up_to_the_whole() {
    let sandbox = Sandbox::new();
    let sweep = |args: &str| sandbox.expect(0, &format!("sim sweep --seeds 0..9 --json --quiet {args}"));
    let whole = sweep("").json();
    for n in 1..=3 {
        let part = sweep(&format!("--shard {n}/3")).out;
        std::fs::write(sandbox.path().join(format!("{n}.json")), part).expect("a file");
    }
    let merged = sandbox
        .expect(0, "sim merge 3.json 1.json 2.json --json --quiet")
        .json();
    for name in [
        "seeds",
        "failed",
        "unrecoverable",
        "events",
        "digest",
        "oracles",
        "marks",
        "unseen",
    ] {
        assert_eq!(merged[name], whole[name], "{name}");
    }
    let partial = sandbox.expect(6, "sim merge 1.json 3.json");
    assert!(
        partial.out.contains("part 2/3 of 0..9 is missing"),
        "{}",
        partial.out
    );
    let twice = sandbox.expect(3, "sim merge 1.json 2.json 1.json");
    assert!(twice.err.contains("counted before"), "{}", twice.err);
    sandbox.bytes("other.json", b"{\"seeds\": 3}\n");
    sandbox.expect(3, "sim merge other.json");
    let text = std::fs::read_to_string(sandbox.path().join("1.json")).expect("a file");
    sandbox.bytes("earlier.json", text.replace("\"cut\":2", "\"cut\":1").as_bytes());
    let earlier = sandbox.expect(3, "sim merge earlier.json 2.json 3.json");
    assert!(
        earlier.err.contains("cut out of its seeds otherwise"),
        "{}",
        earlier.err
    );
    // in so few seeds not everything can have been seen
    sandbox.expect(6, "sim merge 1.json 2.json 3.json --demand-all");
}

#[test]
fn looking_more_often_changes_no_world() {
    let sandbox = Sandbox::new();
    let digest = |args: &str| {
        let swept = sandbox.expect(0, &format!("sim sweep --seeds 0..3 --json --quiet {args}"));
        swept.json()["digest"].clone()
    };
    assert_eq!(digest("--audit-every 1"), digest(""));
    sandbox.expect(2, "sim run 1 --audit-every 0");
}

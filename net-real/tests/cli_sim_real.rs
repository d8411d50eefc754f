//! `seedbed sim peer` and `sim tracker`: models of the simulator on real sockets, beside the program itself.

mod support;

use seedbed_sim::run::{Options, run};
use seedbed_sim::scenario::kdl::parse;
use serde_json::{Value, json};
use support::Sandbox;
use support::running::Running;

/// The same sizes in both worlds.
const SIZES: &str = "pieces=8 blocks=4 block=16384 short=5000";

/// Starts a model with these arguments, and gives what it said first.
fn model(sandbox: &Sandbox, args: &[&str]) -> (Running, Value) {
    let mut command = sandbox.command("sim");
    command
        .args(args)
        .args(["--json", "--quiet", "--for", "60s", "--sample", SIZES]);
    let mut running = Running::of(command);
    let first = serde_json::from_str(&running.wait_for("listening")).expect("JSON");
    (running, first)
}

/// Ends a model, and gives its summary.
fn summary(running: Running) -> Value {
    running.signal("-TERM");
    let ran = running.end();
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    ran.json()["summary"].clone()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name]
        .as_str()
        .unwrap_or_else(|| panic!("{name} in {value}"))
}

/// A download on this machine, of whatever the model wrote.
fn download(more: &str) -> String {
    format!("download made/sample.torrent -d got --bind 127.0.0.1 --port 0 --encryption off --json {more}")
}

fn assert_downloaded(sandbox: &Sandbox) {
    let read = |path: &str| std::fs::read(sandbox.path().join(path)).expect("a file");
    assert!(read("made/sample") == read("got/sample"), "the content differs");
    assert_eq!(read("got/sample").len(), 8 * 4 * 16_384 - 5_000);
}

#[test]
fn a_model_peer_serves_a_real_download_whole() {
    let sandbox = Sandbox::new();
    let (peer, first) = model(&sandbox, &["peer", "--write", "made"]);
    let address = text(&first, "listening");
    sandbox.expect(
        0,
        &download(&format!("--peer {address} --no-trackers --stop-timeout 20")),
    );
    assert_downloaded(&sandbox);
    let summary = summary(peer);
    assert_eq!(summary["served"], json!(8 * 4 * 16_384 - 5_000));
    assert_eq!(summary["violations"], json!([]), "what it thinks of us");
    assert_eq!(summary["past"][0]["was_open"], json!(true));
}

#[test]
fn a_model_peer_gives_metadata_to_a_link() {
    let sandbox = Sandbox::new();
    let (peer, first) = model(&sandbox, &["peer", "--write", "made", "-b", "metadata-silent"]);
    let link = format!("magnet:?xt=urn:btih:{}", text(&first, "info_hash"));
    let get = |address: &str| {
        format!("download {link}&x.pe={address} -d got --bind 127.0.0.1 --port 0 --json --stop-timeout 3")
    };
    sandbox.expect(5, &get(text(&first, "listening")));
    assert_eq!(summary(peer)["marks"]["metadata-silent"], json!(1));
    let (_peer, first) = model(&sandbox, &["peer"]);
    sandbox.expect(0, &get(text(&first, "listening")));
    assert_downloaded(&sandbox);
}

#[test]
fn a_model_peer_fetches_from_a_real_seed_and_serves_a_torrent_of_others() {
    let sandbox = Sandbox::new();
    // the torrent and the content of another model
    let (other, _) = model(&sandbox, &["peer", "--write", "made"]);
    drop(other);
    let mut command = sandbox.command("sim peer --torrent made/sample.torrent -d made --json --for 60s");
    command.args(["--behaviour", "no-fast"]);
    let mut peer = Running::of(command);
    let first: Value = serde_json::from_str(&peer.wait_for("listening")).expect("JSON");
    let address = text(&first, "listening");
    sandbox.expect(
        0,
        &download(&format!("--peer {address} --no-trackers --stop-timeout 20")),
    );
    assert_downloaded(&sandbox);
    drop(peer);

    let port = support::running::free_port();
    let seed = sandbox.command(&format!(
        "seed made/sample.torrent -d got --bind 127.0.0.1 --port {port} --no-trackers"
    ));
    let _seed = Running::of(seed);
    support::running::wait_until(|| std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
    let (mut leech, _) = model(
        &sandbox,
        &["peer", "--role", "leech", "--dial", &format!("127.0.0.1:{port}")],
    );
    // 31 whole blocks and a short one
    leech.wait_for("not interested");
    assert_eq!(summary(leech)["complete"], json!(true));
}

#[test]
fn a_model_tracker_answers_real_announces() {
    for protocol in ["udp", "http"] {
        let sandbox = Sandbox::new();
        let (_peer, first) = model(&sandbox, &["peer"]);
        let peer = text(&first, "listening").to_owned();
        let args = [
            "tracker",
            "--write",
            "made",
            "--protocol",
            protocol,
            "--peer",
            &peer,
        ];
        let (tracker, first) = model(&sandbox, &args);
        assert!(text(&first, "announce").starts_with(protocol));
        sandbox.expect(0, &download("--stop-timeout 20"));
        assert_downloaded(&sandbox);
        let summary = summary(tracker);
        assert_eq!(
            summary["announces"],
            json!(3),
            "started, completed, stopped: {summary}"
        );
        assert_eq!(summary["violations"], json!([]));
    }
}

#[test]
fn a_tracker_that_refuses_at_first_is_asked_again() {
    let sandbox = Sandbox::new();
    let (_peer, first) = model(&sandbox, &["peer"]);
    let peer = text(&first, "listening").to_owned();
    let behaviour = "http-status code=503 first=1";
    let args = [
        "tracker",
        "--write",
        "made",
        "--protocol",
        "http",
        "-b",
        behaviour,
        "--peer",
        &peer,
    ];
    let (mut tracker, _) = model(&sandbox, &args);
    let _download = Running::start(&sandbox, &download("--stop-timeout 30"));
    tracker.wait_for("announce started");
    let summary = summary(tracker);
    assert_eq!(summary["marks"]["http-status"], json!(1), "{summary}");
}

/// How the first connection with a peer of this behaviour ended in a simulated world, and whether it was banned.
fn simulated(behaviour: &str) -> (String, bool) {
    let file =
        format!("torrent {SIZES}\nengine \"eng\"\ntracker \"t\" udp\npeer \"p\" seed {{ {behaviour}; }}\n");
    let scenario = parse(&file).expect("a scenario");
    let options = Options {
        telling: true,
        ..Options::default()
    };
    let lines = run(&scenario, &options).timeline;
    let mut own = lines.iter().filter(|line| line.who == "eng");
    let closed = own
        .find_map(|line| line.text.strip_prefix("closed: "))
        .expect("an end");
    let banned = lines.iter().any(|line| line.text.starts_with("ban p: "));
    (closed.to_owned(), banned)
}

/// The same over real sockets.
fn real(behaviour: &str) -> (String, bool) {
    let sandbox = Sandbox::new();
    let (peer, first) = model(&sandbox, &["peer", "--write", "made", "-b", behaviour]);
    let address = text(&first, "listening").to_owned();
    let flags = format!("--peer {address} --no-trackers --stop-timeout 2");
    let ran = sandbox.run(&download(&flags));
    let events: Vec<Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let of = |name: &str| events.iter().find(|event| event["event"] == name);
    let closed = of("peer_closed").unwrap_or_else(|| panic!("no end: {}", ran.out));
    assert_eq!(text(closed, "address"), address);
    assert!(
        summary(peer)["marks"]
            .as_object()
            .is_some_and(|marks| !marks.is_empty())
    );
    (text(closed, "text").to_owned(), of("banned").is_some())
}

#[test]
fn reactions_over_real_sockets_are_those_of_simulated_worlds() {
    for behaviour in [
        "huge-length",
        "corrupts",
        "bitfield-length shorter=1",
        "unrequested-blocks",
    ] {
        let (closed, banned) = simulated(behaviour);
        let (really_closed, really_banned) = real(behaviour);
        // which block it is about follows from the seed of the engine
        let words = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "");
        assert_eq!(words(&really_closed), words(&closed), "{behaviour}");
        assert_eq!(really_banned, banned, "{behaviour}");
        assert_eq!(banned, behaviour == "corrupts", "{behaviour}");
    }
}

#[test]
fn models_keep_to_this_machine_and_say_what_they_do_not_know() {
    let sandbox = Sandbox::new();
    for (args, words) in [
        (
            vec!["peer", "--listen", "0.0.0.0:0"],
            "only addresses of this machine",
        ),
        (
            vec!["peer", "--dial", "192.0.2.1:6881"],
            "only addresses of this machine",
        ),
        (
            vec!["tracker", "--peer", "192.0.2.1:6881"],
            "only addresses of this machine",
        ),
        (
            vec!["tracker", "--listen", "[::]:0"],
            "only addresses of this machine",
        ),
        (vec!["peer", "-b", "corupts"], "did you mean corrupts?"),
        (vec!["peer", "-b", "corrupts evry=3"], "did you mean every?"),
        (vec!["peer", "-b", "udp-silent"], "belongs to UdpTracker"),
        (vec!["peer", "-b", "pex-many"], "addresses of strangers"),
        (vec!["peer", "-b", "corrupts; snubs"], "has to name one behaviour"),
        (
            vec!["peer", "-b", "snubs; }\npeer \"q\" seed { snubs"],
            "has to name one behaviour",
        ),
        (vec!["tracker", "-b", "http-stall"], "belongs to HttpTracker"),
        (vec!["tracker", "-b", "dns-slow"], "simulated worlds"),
        (vec!["peer", "--sample", "pieces=0"], "--sample"),
        (
            vec!["peer", "--sample", "pieces=2\npeer \"q\" seed"],
            "takes sizes",
        ),
        (vec!["tracker", "--for", "0s"], "longer than nothing"),
    ] {
        let mut command = sandbox.command("sim");
        let ran = support::Ran::from(command.args(&args).output().expect("the program"));
        assert_eq!(ran.code, Some(2), "{args:?}: {}", ran.err);
        assert!(ran.err.contains(words), "{args:?}: {}", ran.err);
    }
}

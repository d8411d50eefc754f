//! The program as its users see it, without the network: help, results, errors, exit codes.

mod support;

use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;
use support::{Sandbox, snapshot};

const SUBCOMMANDS: [&str; 25] = [
    "download",
    "seed",
    "create",
    "info",
    "verify",
    "magnet",
    "probe tracker",
    "probe peer",
    "demo",
    "replay",
    "journal info",
    "journal redact",
    "journal shrink",
    "journal to-test",
    "sim run",
    "sim sweep",
    "sim merge",
    "sim shrink",
    "sim bisect",
    "sim expand",
    "sim list",
    "sim peer",
    "sim tracker",
    "completions",
    "man",
];

#[test]
fn every_subcommand_explains_itself_with_an_example() {
    let sandbox = Sandbox::new();
    let main = sandbox.expect(0, "--help");
    snapshot("help", &main.out);
    for name in SUBCOMMANDS {
        let help = sandbox.expect(0, &format!("{name} --help"));
        assert!(
            help.out.contains("Example") && help.out.contains(&format!("seedbed {name}")),
            "{name}"
        );
        snapshot(&format!("help-{}", name.replace(' ', "-")), &help.out);
    }
    assert_eq!(
        sandbox.expect(2, "").err,
        main.out,
        "no arguments: help, as an error"
    );
}

#[test]
fn flags_that_are_not_built_are_absent() {
    let sandbox = Sandbox::new();
    {
        let flag = "--dht";
        let help = sandbox.expect(0, "download --help").out;
        assert!(!help.contains(flag), "{flag}");
    }
}

/// A folder of four files, one of them empty, as a torrent with everything in it.
fn album() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.file("album/b.bin", 100_000);
    sandbox.file("album/a/deep.bin", 40_000);
    sandbox.file("album/a.bin", 1);
    sandbox.file("album/empty", 0);
    let args = "create album --no-date --private --piece-length 16KiB --comment hello --source here \
                -a https://t.example/announce --tier udp://a.example:80,udp://b.example:80 \
                --web-seed https://w.example/files/ -o album.torrent";
    sandbox.expect(0, args);
    sandbox
}

#[test]
fn a_created_torrent_shows_all_that_was_asked_for() {
    let sandbox = album();
    snapshot("info-text", &sandbox.expect(0, "info album.torrent").out);
    let json = sandbox.expect(0, "info --json album.torrent");
    snapshot("info-json", &format!("{:#}", json.json()));
    assert_eq!(json.out.lines().count(), 1, "one line a value");
    snapshot("magnet", &sandbox.expect(0, "magnet album.torrent").out);
}

#[test]
fn the_json_of_info_has_the_promised_fields() {
    let info = album().expect(0, "--json info album.torrent").json();
    let fields = [
        "info_hash_v1",
        "info_hash_v2",
        "name",
        "piece_length",
        "piece_count",
        "total_length",
        "private",
        "files",
        "trackers",
        "web_seeds",
        "nodes",
        "comment",
        "created_by",
        "creation_date",
        "lints",
    ];
    for field in fields {
        assert!(info.get(field).is_some(), "{field}");
    }
    assert_eq!(info["piece_count"], json!(9));
    assert_eq!(info["info_hash_v2"], Value::Null);
    assert_eq!(
        info["files"][0],
        json!({"path": "album/a/deep.bin", "length": 40_000, "pad": false})
    );
}

#[test]
fn equal_content_gives_equal_bytes_whatever_the_order_on_disk() {
    let (one, other) = (Sandbox::new(), Sandbox::new());
    for (path, length) in [("d/x", 70_000), ("d/a/y", 3), ("d/b", 0)] {
        one.file(path, length);
    }
    for (path, length) in [("d/b", 0), ("d/a/y", 3), ("d/x", 70_000)] {
        other.file(path, length);
    }
    let made = |sandbox: &Sandbox, path: &str| {
        sandbox.expect(0, &format!("create {path} --no-date"));
        std::fs::read(sandbox.path().join("d.torrent")).expect("the torrent")
    };
    assert_eq!(made(&one, "d"), made(&other, "./d/"));
}

#[test]
fn create_replaces_nothing_without_force() {
    let sandbox = Sandbox::new();
    sandbox.file("a.bin", 10);
    sandbox.expect(0, "create a.bin --no-date");
    let first = std::fs::read(sandbox.path().join("a.bin.torrent")).expect("the torrent");
    let refused = sandbox.expect(4, "create a.bin --comment other");
    assert!(refused.err.contains("-f"), "{}", refused.err);
    assert_eq!(
        std::fs::read(sandbox.path().join("a.bin.torrent")).expect("the torrent"),
        first
    );
    sandbox.expect(0, "create a.bin --comment other -f");
    assert_ne!(
        std::fs::read(sandbox.path().join("a.bin.torrent")).expect("the torrent"),
        first
    );
    let left = std::fs::read_dir(sandbox.path()).expect("a listing").count();
    assert_eq!(left, 2, "nothing half-written is left");
}

#[test]
fn create_leaves_links_out_and_says_so() {
    let sandbox = Sandbox::new();
    sandbox.file("d/a", 10);
    std::os::unix::fs::symlink("/etc/passwd", sandbox.path().join("d/link")).expect("a link");
    let ran = sandbox.expect(0, "create d --no-date");
    assert!(ran.err.contains("d/link is left out"), "{}", ran.err);
    let info = sandbox.expect(0, "info d.torrent --json").json();
    assert_eq!(info["files"].as_array().map(Vec::len), Some(1));
    assert_eq!(sandbox.expect(0, "create d -f -q").err, "", "--quiet: no notes");
}

#[test]
fn torrents_come_from_standard_input_and_go_to_standard_output() {
    let sandbox = Sandbox::new();
    sandbox.file("a.bin", 10);
    let torrent = sandbox
        .command("create a.bin --no-date -o -")
        .output()
        .expect("the program")
        .stdout;
    let mut child = sandbox
        .command("info --json -")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program");
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(&torrent)
        .expect("a write");
    let ran = support::Ran::from(child.wait_with_output().expect("an end"));
    assert_eq!((ran.code, &ran.json()["name"]), (Some(0), &json!("a.bin")));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error_to_talk_about() {
    let sandbox = Sandbox::new();
    for n in 0..4_000 {
        sandbox.file(&format!("many/a-file-with-a-rather-long-name-{n}"), 1);
    }
    sandbox.expect(0, "create many");
    let mut child = sandbox
        .command("info many.torrent")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program");
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    out.read_line(&mut line).expect("a line");
    drop(out);
    let ran = support::Ran::from(child.wait_with_output().expect("an end"));
    assert_eq!(ran.err, "");
}

#[test]
fn oddities_are_told() {
    let sandbox = album();
    let mut bytes = std::fs::read(sandbox.path().join("album.torrent")).expect("the torrent");
    bytes.extend(b"junk");
    sandbox.bytes("odd.torrent", &bytes);
    let info = sandbox.expect(0, "info odd.torrent --json").json();
    assert_eq!(info["lints"][0]["code"], json!("trailing-bytes"));
    let text = sandbox.expect(0, "info odd.torrent").out;
    assert!(text.contains("Oddities\n  trailing-bytes: "), "{text}");
}

#[test]
fn foreign_text_does_not_reach_a_terminal_unescaped() {
    let sandbox = Sandbox::new();
    let torrent = b"d7:comment9:\x1b[2J\x07hej!4:infod6:lengthi1e4:name3:a\x1bb12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaaee";
    sandbox.bytes("evil.torrent", torrent);
    for args in [
        "info evil.torrent",
        "info --json evil.torrent",
        "magnet evil.torrent",
    ] {
        let ran = sandbox.expect(0, args);
        let control = |c: char| c.is_control() && c != '\n';
        assert!(
            !ran.out.contains(control) && !ran.err.contains(control),
            "{args}: {:?}",
            ran.out
        );
    }
    let shown = sandbox.expect(0, "info evil.torrent").out;
    assert!(shown.contains(r"\u{1b}[2J\u{7}hej!"), "{shown}");
}

#[test]
fn errors_are_sentences_with_a_code() {
    let sandbox = album();
    sandbox.bytes("text.torrent", b"hello");
    sandbox.bytes("empty.torrent", b"");
    sandbox.bytes("list.torrent", b"le");
    sandbox.bytes("noinfo.torrent", b"d8:announce3:abce");
    sandbox.bytes("v2.torrent", V2_ONLY);
    sandbox.file("nothing/empty", 0);
    let cases = [
        (3, "info missing.torrent"),
        (3, "info album"),
        (3, "info text.torrent"),
        (3, "info empty.torrent"),
        (3, "info list.torrent"),
        (3, "info noinfo.torrent"),
        (3, "info v2.torrent"),
        (3, "download v2.torrent"),
        (3, "magnet text.torrent"),
        (3, "verify text.torrent"),
        (3, "seed text.torrent"),
        (3, "probe peer 127.0.0.1:1 text.torrent"),
        (4, "verify album.torrent -d gone"),
        (4, "seed album.torrent -d gone"),
        (3, "create gone"),
        (3, "create nothing"),
        (4, "create album -o gone/album.torrent"),
        (3, "download magnet:?xt=urn:btih:0000"),
        (2, "download text.torrent --metadata-only"),
        (2, "probe peer 127.0.0.1:1 album.torrent --piece 9"),
        (2, "probe tracker http://[::bad/announce album.torrent"),
    ];
    let mut shown = String::new();
    for (code, args) in cases {
        let text = sandbox.expect(code, args);
        assert_eq!(text.out, "", "{args}: errors go to standard error");
        let error = &sandbox.expect(code, &format!("{args} --json")).json()["error"];
        let sentence = error["text"].as_str().expect("a text");
        assert!(sentence.ends_with('.'), "{args}: {sentence}");
        assert_eq!(
            text.err.lines().last(),
            Some(format!("error: {sentence}").as_str()),
            "{args}"
        );
        shown += &format!(
            "$ seedbed {args}\n{}\n[{code} {}]\n\n",
            text.err.trim_end(),
            error["code"]
        );
    }
    snapshot("errors", &shown);
}

/// A torrent that has no v1 side (BEP 52).
const V2_ONLY: &[u8] = b"d4:infod9:file treed1:ad0:d6:lengthi1e11:pieces root32:\
aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaeee12:meta versioni2e4:name1:a12:piece lengthi16384eee";

#[test]
fn wrong_flags_are_usage_errors_in_json_too() {
    let sandbox = Sandbox::new();
    let cases = [
        "frobnicate",
        "info",
        "info --frobnicate a",
        "download a --seed-ratio -1",
        "download a --seed-ratio many",
        "download a --seed-time soon",
        "download a --stop-timeout 0",
        "download a --port 65536",
        "download a --bind localhost",
        "download a --peer example.org:1",
        "download a --max-peers 0",
        "download a --preallocate maybe",
        "download a --seed-rng xyz",
        "create a --piece-length 100",
        "create a -a ftp://t.example",
        "create a --web-seed udp://t.example",
        "probe",
        "probe tracker nonsense a",
        "probe tracker udp://t.example:1 a --timeout 0s",
        "probe peer nonsense a",
        "completions tcsh",
    ];
    for args in cases {
        let ran = sandbox.expect(2, &format!("{args} --json"));
        let error = &ran.json()["error"];
        assert_eq!(error["code"], json!("usage"), "{args}");
        assert!(!ran.err.is_empty(), "{args}: people read standard error");
        assert_eq!(sandbox.expect(2, args).out, "", "{args}");
    }
    // behind `--` it is the name of a file, and no wish for JSON
    assert_eq!(sandbox.expect(3, "info -- --json").out, "");
    sandbox.file("a", 10);
    let both = sandbox.expect(2, "create a -o - --json");
    assert_eq!(both.json()["error"]["code"], json!("usage"));
}

#[test]
fn every_shell_gets_its_completions_and_every_command_a_page() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = sandbox.expect(0, &format!("completions {shell}")).out;
        assert!(script.contains("stop-timeout"), "{shell}");
    }
    let page = sandbox.expect(0, "man").out;
    assert!(
        page.contains(".TH seedbed 1") && page.contains("EXAMPLE") || page.contains("Examples"),
        "{page}"
    );
    std::fs::create_dir(sandbox.path().join("pages")).expect("a folder");
    sandbox.expect(0, "man -o pages");
    for name in SUBCOMMANDS {
        let page = format!("pages/seedbed-{}.1", name.replace(' ', "-"));
        assert!(sandbox.path().join(&page).exists(), "{page}");
    }
    sandbox.expect(4, "man -o nowhere");
}

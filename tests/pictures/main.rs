//! Pages of runs in a real browser: they are drawn without an error, and the mouse finds what happened.
//!
//! The tests need Chromium, which not every machine has, and are therefore ignored unless asked for; `.ci/clients`
//! installs it, `just pictures` and `.ci/run` run them:
//!
//! ```text
//! cargo test -p tests --test pictures -- --ignored --test-threads=1
//! ```

use seedbed_engine::disk::Root;
use seedbed_engine::journal::{Header, Writer};
use seedbed_engine::metainfo::Metainfo;
use seedbed_engine::rng::Seeds;
use seedbed_engine::time::Instant;
use seedbed_engine::{AddTorrent, Command, Config, Engine, Event, Purpose};
use seedbed_sim::journal::draw;
use seedbed_sim::run::{Options, run};
use seedbed_sim::scenario::kdl::parse;
use std::process;
use std::sync::Arc;

/// A poisoner that is banned, a seed that comes later, a leech, a tracker.
const WORLD: &str = r#"
scenario "pictured" version=1 seed=1
torrent pieces=40 blocks=4 block=1024
engine "eng"
tracker "t0" udp
peer "p0" seed up="20kB/s"
peer "p1" seed {
    corrupts
}
peer "p2" leech up="10kB/s"
peer "p3" seed up="20kB/s" after="2s" dials=#true
"#;

/// What a visitor does: the mouse over every canvas, a look closer and back, the list. What the tips said is kept.
const VISITOR: &str = r#"
<script nonce="page">
  const said = [];
  for (const canvas of document.querySelectorAll("main canvas")) {
    const box = canvas.getBoundingClientRect();
    const at = (type, x) => canvas.dispatchEvent(new MouseEvent(type, {
      bubbles: true, clientX: box.left + box.width * x, clientY: box.top + box.height / 2,
    }));
    for (let x = 0; x < 1; x += 0.01) {
      at("mousemove", x);
      const tip = document.getElementById("tip");
      if (!tip.hidden) said.push(tip.textContent);
    }
    at("mousedown", 0.2);
    at("mousemove", 0.6);
    at("mouseup", 0.6);
    at("dblclick", 0.5);
    at("mouseleave", 0.5);
  }
  document.getElementById("list").open = true;
  const note = document.createElement("p");
  note.id = "said";
  note.textContent = said.join("\n");
  document.body.append(note);
  setTimeout(() => { document.documentElement.dataset.visited = "true"; }, 1000);
</script>
</body>"#;

/// What became of a page.
struct Opened {
    dom: String,
    /// What the browser logged of the page's console: errors, and violations of its policy.
    console: Vec<String>,
}

impl Opened {
    /// An attribute of the root element.
    fn root(&self, name: &str) -> Option<&str> {
        let head = self.dom.split("<head>").next().unwrap_or_default();
        let (_, value) = head.split_once(&format!(" data-{name}=\""))?;
        value.split('"').next()
    }

    fn check_sound(&self) {
        assert_eq!(self.root("error"), None);
        assert_eq!(self.console, Vec::<String>::new());
        assert_eq!(self.root("ready"), Some("true"), "{}", &self.dom[..500]);
    }
}

/// Opens a page in a browser with a profile of its own.
fn open(page: &str) -> Opened {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("page.html");
    std::fs::write(&file, page).expect("the page is written");
    let output = process::Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--enable-logging=stderr",
            "--window-size=1280,1000",
            "--virtual-time-budget=5000",
            "--dump-dom",
        ])
        .arg(format!(
            "--user-data-dir={}",
            folder.path().join("profile").display()
        ))
        .arg(format!("file://{}", file.display()))
        .output()
        .expect("chromium is installed (.ci/clients)");
    assert!(output.status.success(), "{output:?}");
    let log = String::from_utf8_lossy(&output.stderr);
    let console = log.lines().filter(|line| line.contains("CONSOLE"));
    Opened {
        dom: String::from_utf8_lossy(&output.stdout).into_owned(),
        console: console.map(str::to_owned).collect(),
    }
}

fn page_of_the_world() -> String {
    let options = Options {
        journals: true,
        ..Options::default()
    };
    let outcome = run(&parse(WORLD).expect("a scenario"), &options);
    assert_eq!(outcome.failure, None);
    draw(&outcome.journals[0].1).expect("a page")
}

#[test]
#[ignore = "needs chromium"]
fn a_page_is_drawn_without_an_error() {
    let opened = open(&page_of_the_world());
    opened.check_sound();
    // three are dialled; who comes by itself dials from another port, and is dialled as well
    let lanes = opened.dom.matches("class=\"lane peer").count();
    assert_eq!(opened.root("peers"), Some(lanes.to_string().as_str()));
    assert!((4..=6).contains(&lanes), "{lanes} lanes");
    assert_eq!(opened.dom.matches("class=\"lane peer banned\"").count(), 1);
    assert_eq!(opened.dom.matches("class=\"lane tracker\"").count(), 1);
    assert!(opened.dom.contains("data-pieces=\"40\" data-drawn=\"40\""));
    assert!(
        opened.dom.contains("40 of 40 pieces"),
        "the sentence over the map"
    );
}

#[test]
#[ignore = "needs chromium"]
fn the_mouse_finds_what_happened() {
    let page = page_of_the_world().replace("</body>", VISITOR);
    let opened = open(&page);
    opened.check_sound();
    assert_eq!(opened.root("visited"), Some("true"));
    let (_, said) = opened
        .dom
        .split_once("id=\"said\">")
        .expect("the visitor's notes");
    for words in [
        "which failed its hash",
        "piece 0verified at",
        "received",
        "closed: address is banned",
        "peers, next at",
        "lets us request",
        "blocks received",
    ] {
        assert!(said.contains(words), "{words}");
    }
    let rows = opened.dom.matches("<tr").count();
    assert_eq!(opened.root("events"), Some(rows.to_string().as_str()));
}

#[test]
#[ignore = "needs chromium"]
fn texts_of_strangers_are_shown_and_do_nothing() {
    let name = "<img src=x onerror=alert(1)><script>throw 1<\\";
    let tracker = "http://x</script><script>throw 2<!--<script>.example/announce";
    let torrent = format!(
        "d8:announce{}:{tracker}4:infod6:lengthi4e4:name{}:{name}12:piece lengthi16384e6:pieces20:{}ee",
        tracker.len(),
        name.len(),
        "a".repeat(20)
    );
    let metainfo = Metainfo::parse(torrent.as_bytes()).expect("a torrent");
    let page = draw(&journal_of(metainfo)).expect("a page");
    let opened = open(&page.replace("</body>", VISITOR));
    opened.check_sound();
    assert_eq!(opened.root("visited"), Some("true"));
    // the data, the page's script, the visitor's
    assert_eq!(opened.dom.matches("<script").count(), 3);
    assert!(!opened.dom.contains("<img"));
    assert!(
        opened.dom.contains("&lt;img src=x onerror=alert(1)&gt;"),
        "it is shown"
    );
}

/// A test of the tests: what is wrong with a page would be seen.
#[test]
#[ignore = "needs chromium"]
fn errors_and_foreign_resources_are_noticed() {
    let broken = page_of_the_world().replace("buildList();", "buildLost();");
    let opened = open(&broken);
    assert!(opened.root("error").is_some(), "{:?}", opened.console);
    assert_eq!(opened.root("ready"), None);
    assert!(!opened.console.is_empty());
    let foreign = "<img src=\"elsewhere.png\" onerror=\"throw 1\"></body>";
    let opened = open(&page_of_the_world().replace("</body>", foreign));
    assert!(!opened.console.is_empty(), "the policy lets nothing in");
}

/// A journal of an engine that is given a torrent, and no more.
fn journal_of(metainfo: Metainfo) -> Vec<u8> {
    let (config, seeds) = (Config::default(), Seeds::Root([7; 32]));
    let mut writer = Writer::new(&Header::new(config.clone(), &seeds, "</script>", "<b>what</b>"));
    let mut engine = Engine::with_seeds(config, seeds);
    let add = AddTorrent {
        trust_resume: false,
        ..AddTorrent::new(Arc::new(metainfo), Root(Arc::from(*b"root")), Purpose::Download)
    };
    let event = Event::Command(Command::Add(Box::new(add)));
    writer.step(&mut engine, Instant::START, event);
    writer.finish(&engine);
    writer.ready().to_vec()
}

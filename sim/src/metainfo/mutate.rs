//! How a good .torrent file becomes a bad one.

use super::hybrid;
use super::tree::Tree;
use crate::scenario::Use;

/// Levels of `torrent-nesting`.
const DEPTH: i64 = 10_000;
/// Values of `torrent-tokens`: more than any reader should look at.
const TOKENS: i64 = 4_000_000;

/// A good file with one thing wrong. An unknown name changes nothing.
pub fn mutate(used: &Use, good: &[u8]) -> Vec<u8> {
    let number = |name, default: i64| usize::try_from(used.int(name, default)).unwrap_or(0);
    match used.name.as_str() {
        "torrent-truncated" => {
            let kept = good.len() * number("percent", 50).min(99) / 100;
            good[..kept].to_vec()
        }
        "torrent-not-bencoded" => b"<!DOCTYPE html><title>404</title>".to_vec(),
        "torrent-empty" => Vec::new(),
        "torrent-trailing" => [good, b"\r\n<!-- served in 3 ms -->"].concat(),
        "torrent-list" => [b"l".as_slice(), good, b"e"].concat(),
        name => {
            let Some(mut tree) = Tree::read(good) else {
                return good.to_vec();
            };
            outer(name, used, &mut tree);
            more(name, &mut tree);
            hybrid::make(name, used.int("differs", 0), &mut tree);
            if let Some(info) = tree.get_mut("info") {
                sizes(name, info);
                paths(name, info);
                disorder(name, info);
            }
            let mut out = Vec::with_capacity(good.len());
            tree.write(&mut out);
            out
        }
    }
}

/// The bytes of the `info` dictionary as they are in a file.
pub(super) fn info_of(bytes: &[u8]) -> Option<Vec<u8>> {
    let tree = Tree::read(bytes)?;
    let mut info = Vec::new();
    tree.get("info")?.write(&mut info);
    Some(info)
}

fn outer(name: &str, used: &Use, tree: &mut Tree) {
    match name {
        "torrent-no-info" => tree.remove("info"),
        "torrent-nesting" => {
            let depth = usize::try_from(used.int("depth", DEPTH)).unwrap_or(0);
            // written by hand: a tree of that depth would be dropped by recursion
            let lists = [
                b"0e1:y".to_vec(),
                b"l".repeat(depth),
                b"e".repeat(depth.saturating_sub(1)),
            ]
            .concat();
            tree.set("x", Tree::Int(lists));
        }
        "torrent-tokens" => {
            let count = usize::try_from(used.int("count", TOKENS)).unwrap_or(0);
            let list = [b"0e1:yl".to_vec(), b"le".repeat(count)].concat();
            tree.set("x", Tree::Int(list));
        }
        "torrent-unsorted-keys" => {
            tree.set("comment", Tree::text("so that there are two keys"));
            if let Some(entries) = tree.entries() {
                entries.reverse();
            }
        }
        "torrent-duplicate-comment" => {
            if let Some(entries) = tree.entries() {
                entries.insert(0, (b"comment".to_vec(), Tree::text("one")));
                entries.insert(0, (b"comment".to_vec(), Tree::text("another")));
            }
        }
        "torrent-duplicate-info" => {
            if let (Some(info), Some(entries)) = (tree.get("info").cloned(), tree.entries()) {
                entries.push((b"info".to_vec(), info));
            }
        }
        _ => {}
    }
}

/// What nobody has to say.
fn more(name: &str, tree: &mut Tree) {
    if name != "torrent-decorated" {
        return;
    }
    let list = |words: &[&str]| Tree::List(words.iter().map(|word| Tree::text(word)).collect());
    let node = |host: &str, port| Tree::List(vec![Tree::text(host), Tree::int(port)]);
    let tiers = vec![
        list(&["http://a.test/announce", "udp://a.test:6969"]),
        Tree::text("http://b.test/announce"),
        Tree::List(vec![Tree::int(7), Tree::text("")]),
        list(&[" http://c.test/announce"]),
    ];
    tree.set("announce-list", Tree::List(tiers));
    tree.set("announce", Tree::text("http://unlisted.test/announce"));
    tree.set("comment", Tree::text("more \u{1b}[2Jwords"));
    tree.set("created by", Tree::text("somebody"));
    tree.set("creation date", Tree::int(1_700_000_000));
    tree.set("encoding", Tree::text("UTF-8"));
    let seeds = list(&[
        "http://d.test/a b",
        "http://d.test/a b",
        "",
        "http://\u{e9}.test/",
    ]);
    tree.set("httpseeds", list(&["http://e.test/seed"]));
    let nodes = vec![
        node("f.test", 6881),
        node("", 6881),
        node("g.test", 0),
        Tree::int(1),
    ];
    tree.set("nodes", Tree::List(nodes));
    tree.set("url-list", seeds);
}

fn sizes(name: &str, info: &mut Tree) {
    match name {
        "torrent-int-overflow" => set_length(info, Tree::Int(b"36893488147419103232".to_vec())),
        "torrent-sum-overflow" => {
            let file = |n: u8| file(&[&format!("big-{n}")], Tree::int(i64::MAX));
            info.remove("length");
            info.set("files", Tree::List((0..3).map(file).collect()));
        }
        "torrent-negative-length" => set_length(info, Tree::int(-1)),
        "torrent-leading-zeros" => {
            if let Some(Tree::Int(digits)) = info.get_mut("piece length") {
                digits.splice(0..0, *b"000");
            }
        }
        "torrent-pieces-ragged" => {
            if let Some(Tree::Bytes(pieces)) = info.get_mut("pieces") {
                pieces.push(0);
            }
        }
        "torrent-pieces-few" => {
            if let Some(Tree::Bytes(pieces)) = info.get_mut("pieces") {
                pieces.truncate(pieces.len().saturating_sub(20));
            }
        }
        "torrent-pieces-many" => {
            if let Some(Tree::Bytes(pieces)) = info.get_mut("pieces") {
                pieces.extend([7; 20]);
            }
        }
        "torrent-piece-length-zero" => info.set("piece length", Tree::int(0)),
        "torrent-piece-length-huge" => info.set("piece length", Tree::int(1 << 40)),
        "torrent-piece-length-missing" => info.remove("piece length"),
        "torrent-total-zero" => {
            info.remove("files");
            info.set("length", Tree::int(0));
            info.set("pieces", Tree::Bytes(Vec::new()));
        }
        "torrent-zero-file" => {
            add_file(info, &["nothing"]);
            add_file(info, &["nothing", "within"]);
            add_file(info, &["nothing"]);
        }
        _ => {}
    }
}

fn paths(name: &str, info: &mut Tree) {
    let long = "x".repeat(5_000);
    let bad: &[&[&str]] = match name {
        "torrent-path-up" => &[&["..", "..", "etc", "passwd"], &[".."], &["a", "..", "b"]],
        "torrent-path-separator" => &[&["a/../../b"], &["c\\..\\d"], &["/"], &["\\\\server\\share"]],
        "torrent-path-nul" => &[&["a\0b"], &["\u{1b}[2J"], &["\u{202e}gpj.exe"]],
        "torrent-path-empty" => &[&["", "a"], &["a", ""], &[""]],
        "torrent-path-none" => &[&[]],
        "torrent-path-device" => &[&["CON"], &["nul"], &["com1", "a"]],
        "torrent-path-long" => &[&[&long], &[&long, "a"], &[&long]],
        "torrent-path-collision" => &[&["Same"], &["same"], &["SAME"], &["both"], &["both", "file"]],
        "torrent-path-absolute" => &[&["/etc/passwd"], &["C:", "Windows"], &["~", ".profile"]],
        "torrent-attributes" => return attributes(info),
        "torrent-name-hostile" => return info.set("name", Tree::text("../../../etc/cron.d")),
        _ => return,
    };
    bad.iter().for_each(|path| add_file(info, path));
}

/// Files that can be run, are hidden, or stand for others; pad files, whose bytes nobody keeps (BEP 47).
fn attributes(info: &mut Tree) {
    for (n, attributes) in ["x", "h", "lx", "p", "q"].iter().enumerate() {
        add_file(info, &[&format!("of-{attributes}")]);
        if let Some(Tree::List(files)) = info.get_mut("files")
            && let Some(file) = files.last_mut()
        {
            file.set("attr", Tree::text(attributes));
            if n == 2 {
                file.set("symlink path", Tree::List(vec![Tree::text("of-x")]));
            }
        }
    }
}

fn disorder(name: &str, info: &mut Tree) {
    match name {
        "torrent-info-noncanonical" => {
            info.set("zz-unknown", Tree::Int(b"-0007".to_vec()));
            if let Some(Tree::Int(digits)) = info.get_mut("piece length") {
                digits.insert(0, b'0');
            }
            if let Some(entries) = info.entries() {
                entries.reverse();
            }
        }
        "torrent-duplicate-length" => {
            if let Some(entries) = info.entries() {
                entries.push((b"piece length".to_vec(), Tree::int(1 << 20)));
            }
        }
        _ => {}
    }
}

/// The length of the content or, of several files, of the first.
fn set_length(info: &mut Tree, length: Tree) {
    match info.get_mut("files") {
        Some(Tree::List(files)) => {
            if let Some(first) = files.first_mut() {
                first.set("length", length);
            }
        }
        _ => info.set("length", length),
    }
}

/// Adds an empty file, so that the hashes still fit. One file becomes a folder with one file.
fn add_file(info: &mut Tree, path: &[&str]) {
    if let Some(length) = info.get("length").cloned() {
        info.remove("length");
        info.set("files", Tree::List(vec![file(&["content"], length)]));
    }
    if let Some(Tree::List(files)) = info.get_mut("files") {
        files.push(file(path, Tree::int(0)));
    }
}

fn file(path: &[&str], length: Tree) -> Tree {
    let path = path.iter().map(|element| Tree::text(element)).collect();
    Tree::Dict(vec![
        (b"length".to_vec(), length),
        (b"path".to_vec(), Tree::List(path)),
    ])
}

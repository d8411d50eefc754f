//! What the tests of the command line share: a folder of their own, the binary run in it, snapshots.

#![allow(dead_code, reason = "each test target uses a part of it")]

pub(crate) mod running;
pub(crate) mod tracker;

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder to run the program in. Its state and its temporary files stay inside.
pub(crate) struct Sandbox(tempfile::TempDir);

/// What a run left.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file of `length` known bytes, folders included.
    pub(crate) fn file(&self, path: &str, length: usize) -> PathBuf {
        let bytes: Vec<u8> = (0..length).map(|i| (i * 31 / 7) as u8).collect();
        self.bytes(path, &bytes)
    }

    pub(crate) fn bytes(&self, path: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder above")).expect("folders");
        std::fs::write(&path, bytes).expect("a file");
        path
    }

    /// The program with these arguments, separated by spaces. It tells the local network nothing.
    pub(crate) fn command(&self, args: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seedbed"));
        command
            .args(args.split_whitespace())
            .current_dir(self.path())
            .env("SEEDBED_STATE_DIR", self.path().join("state"))
            .env("TMPDIR", self.path())
            .env_remove("SEEDBED_LOG")
            .stdin(Stdio::null());
        let subcommand = args.split_whitespace().find(|word| !word.starts_with('-'));
        if matches!(subcommand, Some("download" | "seed")) {
            command.arg("--no-lsd");
        }
        command
    }

    pub(crate) fn run(&self, args: &str) -> Ran {
        Ran::from(self.command(args).output().expect("the program"))
    }

    /// Runs it, and insists on its exit code.
    pub(crate) fn expect(&self, code: i32, args: &str) -> Ran {
        let ran = self.run(args);
        assert_eq!(ran.code, Some(code), "{args}\n{}\n{}", ran.out, ran.err);
        ran
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}

impl Ran {
    /// The last line of standard output as JSON.
    pub(crate) fn json(&self) -> Value {
        let line = self.out.lines().last().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}\n{}", self.err))
    }
}

/// Compares a text with its snapshot in the top-level folder.
pub(crate) fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots/cli"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

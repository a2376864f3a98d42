//! The layers of ARCHITECTURE.md, as far as missing dependencies do not enforce them already.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::fs;
use std::path::{Path, PathBuf};

/// Rust files below a folder, tests aside.
fn sources(folder: &str) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ext| ext == "rs") && path.file_name().is_some_and(|name| name != "tests.rs") {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty(), "{folder} has no sources");
    found
}

/// A file's code: without comments, and without the tests at its end.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let shipped = text.split("#[cfg(test)]").next().unwrap_or_default();
    shipped.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Whether the code uses `word` as a whole name.
fn names(code: &str, word: &str) -> bool {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back().is_some_and(part_of_name);
        let after = code[at + word.len()..].chars().next().is_some_and(part_of_name);
        !before && !after
    })
}

/// Fails for each file of `folder` that names one of `words`, save those whose path holds one of `except`.
fn only(folder: &str, words: &[&str], except: &[&str], why: &str) {
    for path in sources(folder) {
        let shown = path.to_string_lossy().into_owned();
        if except.iter().any(|part| shown.contains(part)) {
            continue;
        }
        let code = code(&path);
        for word in words {
            assert!(!names(&code, word), "{shown} names `{word}`: {why}");
        }
    }
}

#[test]
fn the_core_knows_no_gateway_and_no_world() {
    let words = [
        "proxy_wasm",
        "wasm_bindgen",
        "SystemTime",
        "Instant",
        "std::fs",
        "std::env",
        "std::thread",
        "std::net",
        "static mut",
        "thread_local",
        "OnceLock",
        "LazyLock",
    ];
    only("src", &words, &[], "time, weights and configuration arrive as arguments");
}

#[test]
fn the_core_writes_no_log() {
    only("src", &["log", "println", "eprintln", "dbg"], &[], "text of prompts and answers must not be able to reach a log");
}

#[test]
fn only_the_model_names_tract() {
    only("src", &["tract_core", "tract_data", "tract_linalg"], &["src/model"], "the graph is the model's own affair");
}

#[test]
fn wire_types_stay_in_the_config() {
    only(
        "src",
        &["serde", "serde_json", "serde_path_to_error"],
        &["src/config", "src/model"],
        "wire types never leave the file that reads them",
    );
}

#[test]
fn stages_do_not_import_each_other() {
    let stages = ["prompt", "tokens", "model", "domain", "route", "quota", "sse", "usage", "splice", "estimate"];
    for stage in stages {
        let allowed: &[&str] = match stage {
            "prompt" => &["json"],
            "model" => &["tokens", "domain"],
            "route" => &["policy"],
            _ => &[],
        };
        let code = code(&Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/{stage}.rs")));
        for other in
            stages.iter().copied().chain(["json", "policy", "config", "dialect", "ledger", "meter", "exchange", "reply", "step"])
        {
            let imports = code.contains(&format!("crate::{other}::")) || code.contains(&format!("crate::{other};"));
            assert!(!imports || other == stage || allowed.contains(&other), "src/{stage}.rs imports {other}: arrows point down");
        }
    }
}

#[test]
fn only_one_file_makes_host_calls() {
    only(
        "filters/gateway/src",
        &["extern", "unsafe", "hostcalls"],
        &["host.rs"],
        "a host call that is not a Result can end the VM",
    );
}

#[test]
fn the_test_host_knows_the_abi_and_not_the_core() {
    let why = "a host that shares code with what it tests shares its mistakes; what drives the core natively stands in its tests";
    for path in sources("tests/host/src") {
        assert!(!code(&path).contains("pointsman::"), "{} imports the core: {why}", path.display());
    }
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/host/Cargo.toml")).unwrap();
    let dependencies = manifest.split("[dependencies]").nth(1).and_then(|rest| rest.split("\n[").next()).unwrap();
    assert!(!dependencies.lines().any(|line| line.starts_with("pointsman")), "tests/host depends on the core: {why}");
}

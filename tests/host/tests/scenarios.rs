//! Every scenario of `tests/scenarios/`, through the core alone and through the module, under every chunking, with the same assertions.

#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

mod common;

use common::chunking::Chunking;
use common::native::Native;
use common::scenario::{self, Scenario};
use common::wasm::Wasm;
use common::{Gateway, check};

/// Runs all scenarios in one kind of gateway, and tells all that failed at once.
fn run<G: Gateway>(kind: &str, new: impl Fn(&str) -> G) {
    let mut failed = Vec::new();
    let scenarios = scenario::all();
    for (name, scenario) in &scenarios {
        let mut gateway = new(&scenario.policy.to_string());
        let of = |chunking| check::run(scenario, &mut gateway, chunking).map_err(|problem| (chunking, problem)).err();
        if let Some((chunking, problem)) = Chunking::ALL.into_iter().find_map(of) {
            let Scenario { what, .. } = scenario;
            failed.push(format!("{name} ({what}), {kind}, {chunking:?}: {problem}"));
        }
    }
    assert!(failed.is_empty(), "{} of {} scenarios failed:\n\n{}\n", failed.len(), scenarios.len(), failed.join("\n\n"));
}

#[test]
fn scenarios_hold_in_the_core() {
    run("native", Native::new);
}

#[test]
fn scenarios_hold_in_the_module() {
    run("wasm", Wasm::new);
}

#[test]
fn there_is_a_scenario_for_every_api() {
    let paths: Vec<String> = scenario::all()
        .into_iter()
        .flat_map(|(_, scenario)| scenario.exchanges)
        .filter_map(|case| case.request.map(|request| request.path))
        .collect();
    for end in [
        "/chat/completions",
        "/v1/completions",
        "/v1/responses",
        "/v1/embeddings",
        "/v1/messages",
        ":generateContent",
        ":streamGenerateContent",
        "/v2/chat",
        "/api/chat",
        "/api/generate",
        "/converse",
        "/converse-stream",
    ] {
        assert!(paths.iter().any(|path| path.ends_with(end)), "no scenario has a path that ends in {end}");
    }
}

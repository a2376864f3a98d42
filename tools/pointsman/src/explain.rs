//! `pointsman explain`: sends a request through the core as the filter would, and shows what came of it.

use pointsman::exchange::{Clock, Engine, Exchange, Headers};
use pointsman::ledger::{Store, StoreError};
use pointsman::policy::Policy;
use pointsman::step::{Forward, Step};
use std::collections::BTreeMap;
use std::io::Write;
use std::rc::Rc;

/// A request as it is given on the command line.
#[derive(Debug)]
pub struct Asked {
    /// The path, with its query.
    pub path: String,
    /// Header names and values; names are lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Headers for Asked {
    fn get(&self, name: &str) -> Option<Vec<u8>> {
        match name {
            ":path" => Some(self.path.clone().into_bytes()),
            ":method" => Some(b"POST".to_vec()),
            "content-length" => Some(self.body.len().to_string().into_bytes()),
            _ => self.headers.get(name).map(|value| value.clone().into_bytes()),
        }
    }
}

/// A gateway that has seen no request yet.
#[derive(Default)]
struct Fresh(BTreeMap<String, Vec<u8>>);

impl Store for Fresh {
    fn update(&mut self, key: &str, change: &mut dyn FnMut(&[u8]) -> Option<Vec<u8>>) -> Result<(), StoreError> {
        let stored = self.0.get(key).cloned().unwrap_or_default();
        if let Some(next) = change(&stored) {
            self.0.insert(key.into(), next);
        }
        Ok(())
    }
}

struct System;

impl Clock for System {
    fn nanos(&self) -> u64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Answers of the upstream are not known here, so those headers that describe the decision are asked for with an empty one.
struct NoAnswer;

impl Headers for NoAnswer {
    fn get(&self, _name: &str) -> Option<Vec<u8>> {
        None
    }
}

/// Explains one request under a policy.
pub fn run(mut policy: Policy, model: pointsman::model::Model, asked: &Asked, out: &mut impl Write) -> std::io::Result<()> {
    policy.explain = true;
    let (mut store, clock) = (Fresh::default(), System);
    let mut exchange = Exchange::new(Rc::new(Engine::new(policy, model)));
    let step = match exchange.request_headers(asked, false, &mut store, &clock) {
        Step::Wait => exchange.request_body(&asked.body, &mut store, &clock),
        other => other,
    };
    match step {
        Step::Continue | Step::Wait => writeln!(out, "not LLM traffic: it passes untouched"),
        Step::Reply(reply) => {
            writeln!(out, "answered by the gateway: {}", reply.status)?;
            pairs("header", &reply.headers, out)?;
            writeln!(out, "body     {}", reply.body)
        }
        Step::Forward(forward) => {
            let said = exchange.response_headers(200, &NoAnswer, &clock);
            pairs("decided", &said.set, out)?;
            forwarded(&forward, asked, out)
        }
    }
}

fn forwarded(forward: &Forward, asked: &Asked, out: &mut impl Write) -> std::io::Result<()> {
    pairs("set", &forward.set, out)?;
    for name in forward.remove.iter().filter(|name| asked.get(name).is_some()) {
        writeln!(out, "removed  {name}")?;
    }
    match &forward.body {
        None => writeln!(out, "body     as it came"),
        Some(body) => writeln!(out, "body     {}", String::from_utf8_lossy(body)),
    }
}

fn pairs(what: &str, headers: &[(String, String)], out: &mut impl Write) -> std::io::Result<()> {
    for (name, value) in headers {
        writeln!(out, "{what:<8} {name}: {value}")?;
    }
    Ok(())
}

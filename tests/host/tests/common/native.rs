//! The core alone, as a filter would drive it.

use super::{Gateway, Message, Seen};
use pointsman::config;
use pointsman::exchange::{Clock, Engine, Exchange, Headers};
use pointsman::ledger::{Store, StoreError};
use pointsman::meter::Passed;
use pointsman::model::Model;
use pointsman::step::{Forward, Reply, Step};
use pointsman_test_host::Map;
use std::collections::BTreeMap;
use std::rc::Rc;

static WEIGHTS: &[u8] = include_bytes!("../../../../models/weights.safetensors");

#[derive(Default)]
struct Accounts(BTreeMap<String, Vec<u8>>);

impl Store for Accounts {
    fn update(&mut self, key: &str, change: &mut dyn FnMut(&[u8]) -> Option<Vec<u8>>) -> Result<(), StoreError> {
        let stored = self.0.get(key).cloned().unwrap_or_default();
        if let Some(next) = change(&stored) {
            self.0.insert(key.into(), next);
        }
        Ok(())
    }
}

struct Seconds(u64);

impl Clock for Seconds {
    fn nanos(&self) -> u64 {
        self.0 * 1_000_000_000
    }
}

struct Heads<'a>(&'a Map);

impl Headers for Heads<'_> {
    fn get(&self, name: &str) -> Option<Vec<u8>> {
        self.0.get(name).map(<[u8]>::to_vec)
    }
}

/// A gateway without a VM.
pub struct Native {
    engine: Rc<Engine>,
    accounts: Accounts,
    clock: Seconds,
    exchanges: Vec<Option<(Exchange, Seen)>>,
}

impl Native {
    pub fn new(policy: &str) -> Native {
        let model = Model::load(WEIGHTS).unwrap();
        let policy = config::read(policy.as_bytes(), model.labels()).unwrap_or_else(|error| panic!("{error}"));
        Native {
            engine: Rc::new(Engine::new(policy, model)),
            accounts: Accounts::default(),
            clock: Seconds(0),
            exchanges: Vec::new(),
        }
    }

    /// Applies a step to the request as it is so far; true when the request is decided.
    fn apply(step: Step, message: &mut Message, seen: &mut Seen) -> bool {
        match step {
            Step::Wait => return false,
            Step::Continue => {}
            Step::Forward(Forward { remove, set, body, .. }) => {
                remove.iter().for_each(|name| message.headers.remove(name.as_bytes()));
                set.iter().for_each(|(name, value)| message.headers.set(name.as_bytes(), value.as_bytes()));
                if let Some(body) = body {
                    message.body = body;
                }
            }
            Step::Reply(Reply { status, headers, body, detail }) => {
                let mut heads: Map = headers.into_iter().collect();
                heads.set(b":status", status.to_string().as_bytes());
                heads.set(b"content-length", body.len().to_string().as_bytes());
                seen.client = Some(Message { headers: heads, body: body.into_bytes(), trailers: None, ended: true });
                seen.answered = Some(detail.into());
            }
        }
        true
    }
}

impl Gateway for Native {
    fn reset(&mut self, now: u64) {
        (self.accounts, self.clock) = (Accounts::default(), Seconds(now));
        self.exchanges.clear();
    }

    fn advance(&mut self, seconds: u64) {
        self.clock.0 += seconds;
    }

    fn request(&mut self, headers: Map, chunks: &[Vec<u8>], trailers: Option<Map>) -> usize {
        let Native { engine, accounts, clock, exchanges } = self;
        let (mut exchange, mut seen) = (Exchange::new(Rc::clone(engine)), Seen::default());
        let mut message = Message { headers, ..Message::default() };
        let step = exchange.request_headers(&Heads(&message.headers), chunks.is_empty() && trailers.is_none(), accounts, clock);
        let mut decided = Native::apply(step, &mut message, &mut seen);
        for (at, chunk) in chunks.iter().enumerate() {
            message.body.extend_from_slice(chunk);
            if !decided {
                let step = match exchange.request_size(message.body.len(), accounts, clock) {
                    Step::Wait if at + 1 == chunks.len() && trailers.is_none() => {
                        exchange.request_body(&message.body.clone(), accounts, clock)
                    }
                    step => step,
                };
                decided = Native::apply(step, &mut message, &mut seen);
            }
        }
        if trailers.is_some() && !decided {
            let step = exchange.request_body(&message.body.clone(), accounts, clock);
            Native::apply(step, &mut message, &mut seen);
        }
        (message.trailers, message.ended) = (trailers, true);
        if seen.client.is_none() {
            seen.upstream = Some(message);
        }
        exchanges.push(Some((exchange, seen)));
        exchanges.len() - 1
    }

    fn seen(&mut self, exchange: usize) -> Seen {
        self.exchanges[exchange].as_ref().unwrap().1.clone()
    }

    fn answer(&mut self, exchange: usize, headers: Map, chunks: &[Vec<u8>], trailers: Option<Map>, whole: bool) {
        let (exchange, seen) = self.exchanges[exchange].as_mut().unwrap();
        let mut message = Message { headers, trailers, ended: whole, ..Message::default() };
        let status = message.headers.text(":status").unwrap().parse().unwrap();
        let change = exchange.response_headers(status, &Heads(&message.headers), &self.clock);
        change.remove.iter().for_each(|name| message.headers.remove(name.as_bytes()));
        change.set.iter().for_each(|(name, value)| message.headers.set(name.as_bytes(), value.as_bytes()));
        for (at, chunk) in chunks.iter().enumerate() {
            let end = whole && at + 1 == chunks.len() && message.trailers.is_none();
            match exchange.watches_response().then(|| exchange.response_chunk(chunk, end)) {
                Some(Passed::Instead(bytes)) => message.body.extend(bytes),
                _ => message.body.extend_from_slice(chunk),
            }
        }
        seen.client = Some(message);
    }

    fn close(&mut self, exchange: usize) -> Seen {
        let (mut exchange, seen) = self.exchanges[exchange].take().unwrap();
        exchange.finish(&mut self.accounts, &self.clock).unwrap();
        seen
    }
}

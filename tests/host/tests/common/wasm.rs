//! The module in the test host.

use super::{Gateway, Message, Seen};
use pointsman_test_host::{Host, Map, Module, Profile, Sent, Stream, Way, Zone};

/// A gateway of one worker.
pub struct Wasm {
    pub host: Host,
    zone: Zone,
    exchanges: Vec<u32>,
}

const SECOND: u64 = 1_000_000_000;

impl Wasm {
    pub fn new(policy: &str) -> Wasm {
        Wasm::on(Profile::EnvoyWithFlag, policy)
    }

    pub fn on(profile: Profile, policy: &str) -> Wasm {
        let module = Module::built().unwrap_or_else(|message| panic!("{message}"));
        let zone = Zone::default();
        let mut host = Host::start(module, profile, Some(zone.clone()), 0).unwrap();
        assert!(host.configure(policy.as_bytes()).unwrap(), "the policy is refused: {:?}", host.take_log());
        Wasm { host, zone, exchanges: Vec::new() }
    }

    /// How many keys the shared data has, and how many bytes.
    pub fn stored(&self) -> (usize, usize) {
        self.zone.borrow().size()
    }

    /// Fails when the module complained: a host call that it was refused is a bug of it.
    fn heard(&mut self) {
        let complaints: Vec<_> = self.host.take_log().into_iter().filter(|(level, _)| *level >= 3).collect();
        assert!(complaints.is_empty(), "the module complains: {complaints:?}");
    }
}

fn message(sent: &Sent) -> Option<Message> {
    let headers = sent.headers.clone()?;
    Some(Message { headers, body: sent.body(), trailers: sent.trailers.clone(), ended: sent.ended })
}

fn seen(stream: &Stream) -> Seen {
    Seen { upstream: message(stream.upstream()), client: message(stream.client()), answered: stream.answered.clone() }
}

impl Gateway for Wasm {
    fn reset(&mut self, now: u64) {
        self.zone.borrow_mut().clear();
        self.host.set_clock(now * SECOND);
        self.exchanges.clear();
    }

    fn advance(&mut self, seconds: u64) {
        self.host.advance(seconds * SECOND).unwrap();
    }

    fn request(&mut self, headers: Map, chunks: &[Vec<u8>], trailers: Option<Map>) -> usize {
        let id = self.host.request(headers, chunks.is_empty() && trailers.is_none()).unwrap();
        for (at, chunk) in chunks.iter().enumerate() {
            self.host.body(id, Way::Request, chunk, at + 1 == chunks.len() && trailers.is_none()).unwrap();
        }
        if let Some(trailers) = trailers {
            self.host.trailers(id, Way::Request, trailers).unwrap();
        }
        self.heard();
        self.exchanges.push(id);
        self.exchanges.len() - 1
    }

    fn seen(&mut self, exchange: usize) -> Seen {
        seen(self.host.stream(self.exchanges[exchange]).unwrap())
    }

    fn answer(&mut self, exchange: usize, headers: Map, chunks: &[Vec<u8>], trailers: Option<Map>, whole: bool) {
        let id = self.exchanges[exchange];
        let ends = whole && trailers.is_none();
        self.host.response(id, headers, ends && chunks.is_empty()).unwrap();
        for (at, chunk) in chunks.iter().enumerate() {
            self.host.body(id, Way::Response, chunk, ends && at + 1 == chunks.len()).unwrap();
        }
        if let (Some(trailers), true) = (trailers, whole) {
            self.host.trailers(id, Way::Response, trailers).unwrap();
        }
        self.heard();
    }

    fn close(&mut self, exchange: usize) -> Seen {
        let stream = self.host.close(self.exchanges[exchange]).unwrap();
        self.heard();
        seen(&stream)
    }
}

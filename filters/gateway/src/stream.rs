//! One request: its callbacks gather what the core wants to see, and apply what it answers.

use crate::held::Held;
use crate::host::{self, Body, HostError, Map};
use crate::ledger::SharedData;
use log::warn;
use pointsman::exchange::{Clock, Engine, Exchange, Headers};
use pointsman::meter::Passed;
use pointsman::step::{Forward, Reply, Step};
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;
use std::cell::RefCell;
use std::rc::Rc;

/// An exchange that the root context may have to let go.
pub type Shared = Rc<RefCell<Exchange>>;

/// One request and its response.
pub struct Stream {
    context: u32,
    /// None without a policy, with which no gateway runs a plugin.
    exchange: Option<Shared>,
    held: Held<Shared>,
}

impl Stream {
    /// A stream under a policy, by its context's number.
    pub fn new(engine: Option<Rc<Engine>>, context: u32, held: Held<Shared>) -> Stream {
        Stream { context, exchange: engine.map(|engine| Rc::new(RefCell::new(Exchange::new(engine)))), held }
    }

    /// Shows the exchange to `event`. A host never calls into a stream from within one of its calls, so the exchange is free.
    fn with<T>(&self, event: impl FnOnce(&mut Exchange) -> T) -> Option<T> {
        self.exchange.as_ref().and_then(|exchange| exchange.try_borrow_mut().ok().map(|mut exchange| event(&mut exchange)))
    }

    fn finish(&mut self) {
        self.held.forget(self.context);
        if let Some(Err(error)) = self.with(|exchange| exchange.finish(&mut SharedData, &HostClock)) {
            warn!("pointsman: a reserve could not be settled and stays until its window ends: {}", error.reason);
        }
    }
}

/// The gateway's clock.
struct HostClock;

impl Clock for HostClock {
    fn nanos(&self) -> u64 {
        host::nanos()
    }
}

impl Headers for Map {
    fn get(&self, name: &str) -> Option<Vec<u8>> {
        Map::get(*self, name).ok().flatten()
    }
}

/// Lets a request go whose body the gateway does not show. The calls must be made for it.
pub fn let_go(exchange: &Shared) {
    let Ok(mut exchange) = exchange.try_borrow_mut() else {
        return;
    };
    if apply(exchange.request_unseen(&mut SharedData, &HostClock), 0) == Action::Continue {
        tell("the request", host::resume_request());
    }
}

/// Does what the core said; `size` is how much of the body is there.
fn apply(step: Step, size: usize) -> Action {
    match step {
        Step::Continue => Action::Continue,
        Step::Wait => Action::Pause,
        Step::Forward(forward) => {
            changed(forward, size);
            Action::Continue
        }
        Step::Reply(Reply { status, headers, body, detail }) => {
            tell("the answer", host::reply(status, detail, &headers, body.as_bytes()));
            Action::Pause
        }
    }
}

fn changed(forward: Forward, size: usize) {
    for name in &forward.remove {
        tell(name, Map::Request.remove(name));
    }
    for (name, value) in &forward.set {
        tell(name, Map::Request.set(name, value));
    }
    if let Some(body) = forward.body {
        tell("the body", Body::Request.replace(size, &body));
    }
    if forward.reroute {
        tell("the route", host::clear_route_cache());
    }
}

fn tell(what: &str, answer: Result<(), HostError>) {
    if let Err(error) = answer {
        warn!("pointsman: {what} could not be changed or sent: {error:?}");
    }
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _count: usize, end_of_stream: bool) -> Action {
        let step = self.with(|exchange| exchange.request_headers(&Map::Request, end_of_stream, &mut SharedData, &HostClock));
        if let (Some(Step::Wait), Some(exchange)) = (&step, &self.exchange) {
            self.held.hold(self.context, host::nanos(), Rc::clone(exchange));
        }
        step.map_or(Action::Continue, |step| apply(step, 0))
    }

    fn on_http_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        self.held.body_came(self.context);
        // The size is that of the body so far, not of this chunk.
        let step = self.with(|exchange| match exchange.request_size(size, &mut SharedData, &HostClock) {
            Step::Wait if end_of_stream => whole(exchange, size),
            step => step,
        });
        step.map_or(Action::Continue, |step| apply(step, size))
    }

    fn on_http_request_trailers(&mut self, _count: usize) -> Action {
        self.held.body_came(self.context);
        // With trailers no body callback says that it is the last, so the body is read here, as long as it may be.
        let most = self.with(|exchange| exchange.max_body_bytes() + 1).unwrap_or_default();
        let step = self.with(|exchange| match exchange.request_size(0, &mut SharedData, &HostClock) {
            Step::Wait => whole(exchange, most),
            step => step,
        });
        step.map_or(Action::Continue, |step| apply(step, most))
    }

    fn on_http_response_headers(&mut self, _count: usize, end_of_stream: bool) -> Action {
        let status = Map::Response.get(":status").ok().flatten();
        let status = status.and_then(|text| core::str::from_utf8(&text).ok()?.parse().ok()).unwrap_or(200);
        if let Some(change) = self.with(|exchange| exchange.response_headers(status, &Map::Response, &HostClock)) {
            for name in &change.remove {
                tell(name, Map::Response.remove(name));
            }
            for (name, value) in &change.set {
                tell(name, Map::Response.set(name, value));
            }
        }
        if end_of_stream {
            self.finish();
        }
        Action::Continue
    }

    fn on_http_response_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        if self.with(|exchange| exchange.watches_response()) == Some(true) {
            match Body::Response.read(size) {
                Ok(chunk) => {
                    if let Some(Passed::Instead(bytes)) = self.with(|exchange| exchange.response_chunk(&chunk, end_of_stream)) {
                        tell("the response", Body::Response.replace(size, &bytes));
                    }
                }
                Err(error) => warn!("pointsman: a response could not be read: {error:?}"),
            }
        }
        if end_of_stream {
            self.finish();
        }
        Action::Continue
    }

    fn on_http_response_trailers(&mut self, _count: usize) -> Action {
        self.finish();
        Action::Continue
    }

    fn on_log(&mut self) {
        // Reached however the stream ended, also when either side went away; settling twice does nothing.
        self.finish();
    }
}

fn whole(exchange: &mut Exchange, size: usize) -> Step {
    let body = Body::Request.read(size).unwrap_or_else(|error| {
        warn!("pointsman: a request could not be read: {error:?}");
        Vec::new()
    });
    exchange.request_body(&body, &mut SharedData, &HostClock)
}

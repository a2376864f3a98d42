//! One request's way through the gateway, as a state machine: an event goes in, a step comes out.
//!
//! It is sans-IO: headers, the store and the clock are handed in by whoever drives it. Tokens are reserved once, before the request is let go,
//! and settled once, when its response is over or nobody waits for it any more.

mod decide;

use crate::dialect::{Dialect, Endpoint};
use crate::ledger::{self, Hold, Store, StoreError};
use crate::meter::{Framing, Meter, Passed};
use crate::model::Model;
use crate::policy::{Policy, TenantSource, Unidentified};
use crate::reply::{self, Fault};
use crate::route::Reason;
use crate::step::{Forward, ResponseHeaders, Step};
use std::rc::Rc;

/// Headers of a request.
pub trait Headers {
    /// The value of a header, or of a pseudo-header such as `:path`.
    fn get(&self, name: &str) -> Option<Vec<u8>>;
}

/// A clock that tells the time of day.
pub trait Clock {
    /// Nanoseconds since 1970.
    fn nanos(&self) -> u64;
}

/// What all requests share: a policy, and the model that it was checked against.
#[derive(Debug)]
pub struct Engine {
    policy: Policy,
    model: Model,
    routing_headers: Vec<String>,
}

impl Engine {
    /// Puts the two together.
    pub fn new(policy: Policy, model: Model) -> Engine {
        let routing_headers = policy.routing_headers().into_iter().map(String::from).collect();
        Engine { policy, model, routing_headers }
    }

    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }
}

/// One request and its response.
#[derive(Debug)]
pub struct Exchange {
    engine: Rc<Engine>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Nothing is known yet, or the request is not ours.
    Idle,
    /// The body is on its way.
    Gathering(Gathering),
    /// The request was let go.
    Dispatched(Box<Dispatched>),
    /// Settled, or answered by us.
    Over,
}

/// What the headers said.
#[derive(Debug)]
struct Gathering {
    endpoint: Endpoint,
    tenant: Option<String>,
    /// Routing headers that the client sent, which it must not.
    forged: Vec<String>,
    /// The length that the headers announce, which has to follow the body.
    announced: Option<usize>,
}

/// What is remembered of a request that was let go.
#[derive(Debug)]
struct Dispatched {
    dialect: Dialect,
    decision: Decision,
    hold: Option<Hold>,
    /// Tokens that were set aside.
    reserved: u64,
    /// The usage-only chunk of a stream was asked for by us.
    strip: bool,
    status: Option<u16>,
    meter: Option<Meter>,
}

/// What was decided, for the response headers that explain.
#[derive(Debug, Default)]
struct Decision {
    reason: Option<Reason>,
    model: Option<String>,
    label: Option<String>,
    confidence: f32,
    classify_nanos: u64,
}

impl Decision {
    /// The model's name where it can stand in a header: a client's own may hold anything, line breaks included.
    fn model_header(&self) -> Option<&str> {
        self.model.as_deref().filter(|model| model.bytes().all(|b| (0x20..0x7f).contains(&b)))
    }
}

/// How a finished exchange was charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Nothing was reserved.
    Nothing,
    /// The upstream reported these tokens.
    Reported(u64),
    /// The upstream failed and reported none: the reserve was released.
    Released,
    /// The upstream reported none: the reserve of so many tokens stands for them.
    Estimated(u64),
}

impl Exchange {
    /// A new exchange.
    pub fn new(engine: Rc<Engine>) -> Exchange {
        Exchange { engine, state: State::Idle }
    }

    /// The request's headers came; `end` says that there is no body.
    pub fn request_headers(&mut self, headers: &impl Headers, end: bool, store: &mut impl Store, clock: &impl Clock) -> Step {
        let engine = Rc::clone(&self.engine);
        // A header that routes match on is removed even from requests that are none of ours: a path that an upstream takes for an API
        // and we do not would otherwise choose its model freely.
        let forged: Vec<String> = engine.routing_headers.iter().filter(|name| headers.get(name).is_some()).cloned().collect();
        let Some(endpoint) = spoken(&engine.policy, headers) else {
            return match forged.is_empty() {
                true => Step::Continue,
                false => Step::Forward(Forward { remove: forged, reroute: true, ..Forward::default() }),
            };
        };
        let tenant = tenant(&engine.policy, headers);
        if tenant.is_none() && engine.policy.tenants.unidentified == Unidentified::Refuse {
            return self.refuse(endpoint.dialect, &Fault::NoTenant(sources(&engine.policy)));
        }
        let announced = headers
            .get("content-length")
            .as_deref()
            .and_then(|text| core::str::from_utf8(text).ok()?.trim().parse::<usize>().ok());
        let gathering = Gathering { endpoint, tenant, forged, announced };
        if let Some(encoding) = headers.get("content-encoding") {
            let encoding = String::from_utf8_lossy(&encoding).trim().to_ascii_lowercase();
            if !encoding.is_empty() && encoding != "identity" {
                return self.unreadable(gathering, Fault::Encoded(encoding), announced.unwrap_or(0), store, clock);
            }
        }
        self.state = State::Gathering(gathering);
        match announced {
            Some(length) if length > engine.policy.max_body_bytes => self.request_size(length, store, clock),
            _ if end => self.request_body(b"", store, clock),
            _ => Step::Wait,
        }
    }

    /// So many bytes of the body are there by now.
    pub fn request_size(&mut self, size: usize, store: &mut impl Store, clock: &impl Clock) -> Step {
        let most = self.engine.policy.max_body_bytes;
        match core::mem::replace(&mut self.state, State::Over) {
            State::Gathering(gathering) if size > most => self.unreadable(gathering, Fault::TooLong(most), size, store, clock),
            State::Gathering(gathering) => {
                self.state = State::Gathering(gathering);
                Step::Wait
            }
            other => {
                self.state = other;
                Step::Continue
            }
        }
    }

    /// The whole body is there.
    pub fn request_body(&mut self, body: &[u8], store: &mut impl Store, clock: &impl Clock) -> Step {
        match core::mem::replace(&mut self.state, State::Over) {
            State::Gathering(gathering) => self.decide(gathering, body, store, clock),
            other => {
                self.state = other;
                Step::Continue
            }
        }
    }

    /// The gateway lets the request go without showing its body: it is charged for the length that it announced, and not routed.
    pub fn request_unseen(&mut self, store: &mut impl Store, clock: &impl Clock) -> Step {
        match core::mem::replace(&mut self.state, State::Over) {
            State::Gathering(gathering) => {
                let bytes = gathering.announced.unwrap_or(0);
                self.let_pass(gathering, Reason::Unseen, bytes, store, clock)
            }
            other => {
                self.state = other;
                Step::Continue
            }
        }
    }

    /// The response's headers came.
    pub fn response_headers(&mut self, status: u16, headers: &impl Headers, clock: &impl Clock) -> ResponseHeaders {
        let engine = Rc::clone(&self.engine);
        let mut out = ResponseHeaders::default();
        let State::Dispatched(dispatched) = &mut self.state else {
            return out;
        };
        dispatched.status = Some(status);
        let text = |name: &str| headers.get(name).map(|value| String::from_utf8_lossy(&value).into_owned()).unwrap_or_default();
        let plain = matches!(text("content-encoding").trim(), "" | "identity");
        let framing = Framing::of(&text("content-type")).filter(|_| plain);
        dispatched.meter = framing.map(|framing| Meter::new(dispatched.dialect, framing, dispatched.strip));
        if framing == Some(Framing::Events) && dispatched.strip && headers.get("content-length").is_some() {
            out.remove.push("content-length".into());
        }
        if let Some(hold) = &dispatched.hold {
            out.set.extend(reply::limit_headers(&hold.standing, clock.nanos()));
        }
        if engine.policy.explain {
            out.set.extend(dispatched.explained());
        }
        out
    }

    /// A chunk of the response's body came; `end` says that none follows.
    pub fn response_chunk(&mut self, chunk: &[u8], end: bool) -> Passed {
        match &mut self.state {
            State::Dispatched(dispatched) => match &mut dispatched.meter {
                Some(meter) => meter.feed(chunk, end),
                None => Passed::Unchanged,
            },
            _ => Passed::Unchanged,
        }
    }

    /// Whether chunks of the response are to be shown to [`Exchange::response_chunk`] at all.
    pub fn watches_response(&self) -> bool {
        matches!(&self.state, State::Dispatched(dispatched) if dispatched.meter.is_some())
    }

    /// The longest body that is read, in bytes.
    pub fn max_body_bytes(&self) -> usize {
        self.engine.policy.max_body_bytes
    }

    /// Everything is over, in whatever way: settles what was reserved. Later calls do nothing.
    pub fn finish(&mut self, store: &mut impl Store, clock: &impl Clock) -> Result<Settled, StoreError> {
        let State::Dispatched(dispatched) = core::mem::replace(&mut self.state, State::Over) else {
            return Ok(Settled::Nothing);
        };
        let Some(hold) = &dispatched.hold else {
            return Ok(Settled::Nothing);
        };
        let reported = dispatched.meter.as_ref().and_then(Meter::tokens);
        let failed = dispatched.status.is_some_and(|status| status >= 400);
        let settled = match reported {
            Some(tokens) => Settled::Reported(tokens.total()),
            None if failed => Settled::Released,
            None => Settled::Estimated(dispatched.reserved),
        };
        let used = match settled {
            Settled::Reported(tokens) | Settled::Estimated(tokens) => tokens,
            Settled::Released | Settled::Nothing => 0,
        };
        ledger::settle(store, hold, used, seconds(clock))?;
        Ok(settled)
    }

    fn refuse(&mut self, dialect: Dialect, fault: &Fault) -> Step {
        self.state = State::Over;
        Step::Reply(reply::fault(dialect, fault))
    }
}

impl Dispatched {
    fn explained(&self) -> Vec<(String, String)> {
        let decision = &self.decision;
        let mut out = Vec::new();
        let mut say = |name: &str, value: String| out.push((format!("x-pointsman-{name}"), value));
        if let Some(reason) = decision.reason {
            say("reason", reason.name().into());
        }
        if let Some(label) = &decision.label {
            say("domain", label.clone());
            say("confidence", format!("{:.2}", decision.confidence));
            say("classify-us", (decision.classify_nanos / 1_000).to_string());
        }
        if let Some(model) = decision.model_header() {
            say("model", model.into());
        }
        if self.hold.is_some() {
            say("reserved", self.reserved.to_string());
        }
        out
    }
}

fn seconds(clock: &impl Clock) -> u64 {
    clock.nanos() / 1_000_000_000
}

/// The endpoint of a request that is ours: a POST to a known path that does not leave HTTP.
fn spoken(policy: &Policy, headers: &impl Headers) -> Option<Endpoint> {
    let path = headers.get(":path")?;
    let endpoint = policy.endpoint(core::str::from_utf8(&path).ok()?)?;
    let post = headers.get(":method").is_some_and(|method| method == b"POST");
    (post && headers.get("upgrade").is_none()).then_some(endpoint)
}

fn tenant(policy: &Policy, headers: &impl Headers) -> Option<String> {
    policy.tenants.sources.iter().find_map(|TenantSource::Header(name)| {
        let value = headers.get(name)?;
        let name = String::from_utf8_lossy(&value).trim().to_owned();
        (!name.is_empty()).then_some(name)
    })
}

fn sources(policy: &Policy) -> String {
    let names: Vec<String> =
        policy.tenants.sources.iter().map(|TenantSource::Header(name)| format!("the header '{name}'")).collect();
    match names.is_empty() {
        true => "a header, of which the gateway's policy names none".into(),
        false => names.join(" or "),
    }
}

#[cfg(test)]
#[path = "exchange/tests.rs"]
mod tests;

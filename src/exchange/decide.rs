//! From a whole body to a decision: read, classify, reserve, edit.

use super::{Clock, Decision, Dispatched, Engine, Exchange, Gathering, State, seconds};
use crate::dialect::{Endpoint, Request};
use crate::domain::{self, Domain};
use crate::estimate::TextBytes;
use crate::json::push_quoted;
use crate::ledger::{self, Outcome, Store, Tenant};
use crate::policy::{Target, Unreadable};
use crate::reply::{self, Fault};
use crate::route::{self, Reason};
use crate::splice::{Edit, splice};
use crate::step::{Forward, Reply, Step};
use std::rc::Rc;

impl Exchange {
    pub(super) fn decide(&mut self, gathering: Gathering, body: &[u8], store: &mut impl Store, clock: &impl Clock) -> Step {
        let engine = Rc::clone(&self.engine);
        if body.len() > engine.policy.max_body_bytes {
            return self.unreadable(gathering, Fault::TooLong(engine.policy.max_body_bytes), body.len(), store, clock);
        }
        let request = match read(&gathering, body) {
            Ok(request) => request,
            Err(fault) => return self.unreadable(gathering, fault, body.len(), store, clock),
        };
        let (decision, target) = choose(&engine, &gathering.endpoint, &request, clock);
        let count = engine.policy.quotas.is_some();
        let strip = count && !request.ask_usage.is_empty();
        let output = request.cap.or_else(|| engine.policy.quotas.as_ref().map(|quotas| quotas.expected_output_tokens));
        let tokens = request.size.tokens().saturating_add(output.unwrap_or(0));
        let mut forward = headers(&engine, &gathering, &decision, target);
        // A client's own choice stays as it came, unless it named two: then all readers must see the one that was routed by.
        let rewrite = target.is_some() || request.model_spans.len() > 1;
        let mut edits = Vec::new();
        if let (true, Some(model)) = (rewrite, &decision.model) {
            match gathering.endpoint.with_model(model) {
                Some(path) => forward.set.push((":path".into(), path)),
                None => edits = model_edits(&request, model),
            }
        }
        if strip {
            edits.extend(request.ask_usage);
        }
        if !edits.is_empty() {
            let edited = splice(body, edits);
            if gathering.announced.is_some() {
                forward.set.push(("content-length".into(), edited.len().to_string()));
            }
            forward.body = Some(edited);
        }
        self.dispatch(gathering, decision, tokens, strip, forward, store, clock)
    }

    /// A request whose body is not read: refused, or let go as it came and charged for `bytes` of text.
    pub(super) fn unreadable(
        &mut self,
        gathering: Gathering,
        fault: Fault,
        bytes: usize,
        store: &mut impl Store,
        clock: &impl Clock,
    ) -> Step {
        if self.engine.policy.unreadable == Unreadable::Refuse {
            return self.refuse(gathering.endpoint.dialect, &fault);
        }
        let reason = if matches!(fault, Fault::TooLong(_)) { Reason::Oversize } else { Reason::Unreadable };
        self.let_pass(gathering, reason, bytes, store, clock)
    }

    /// Lets a request go as it came, charged for `bytes` of text.
    pub(super) fn let_pass(
        &mut self,
        gathering: Gathering,
        reason: Reason,
        bytes: usize,
        store: &mut impl Store,
        clock: &impl Clock,
    ) -> Step {
        let engine = Rc::clone(&self.engine);
        let output = engine.policy.quotas.as_ref().map(|quotas| quotas.expected_output_tokens).unwrap_or(0);
        let tokens = TextBytes::ascii(bytes as u64).tokens().saturating_add(output);
        let reroute = !gathering.forged.is_empty();
        let forward = Forward { remove: removed(&gathering), reroute, ..Forward::default() };
        let decision = Decision { reason: Some(reason), ..Decision::default() };
        self.dispatch(gathering, decision, tokens, false, forward, store, clock)
    }

    /// Reserves tokens and lets the request go, or answers that they are spent.
    #[allow(clippy::too_many_arguments)]
    fn dispatch(
        &mut self,
        gathering: Gathering,
        decision: Decision,
        tokens: u64,
        strip: bool,
        forward: Forward,
        store: &mut impl Store,
        clock: &impl Clock,
    ) -> Step {
        let Gathering { endpoint, tenant, .. } = gathering;
        let dialect = endpoint.dialect;
        let limits = self.engine.policy.limits(tenant.as_deref());
        let hold = if limits.is_empty() {
            None
        } else {
            let account = Tenant::of(&self.engine.policy, tenant.as_deref());
            match ledger::reserve(store, account, limits, tokens, seconds(clock)) {
                Ok(Outcome::Held(hold)) => Some(hold),
                Ok(Outcome::Refused { standing, refusal }) => {
                    return self.answer(reply::over_quota(dialect, &standing, refusal, tokens, clock.nanos()));
                }
                Err(error) => return self.refuse(dialect, &Fault::Ledger(error.reason)),
            }
        };
        let dispatched = Dispatched { dialect, decision, hold, reserved: tokens, strip, status: None, meter: None };
        self.state = State::Dispatched(Box::new(dispatched));
        Step::Forward(forward)
    }

    fn answer(&mut self, reply: Reply) -> Step {
        self.state = State::Over;
        Step::Reply(reply)
    }
}

fn read<'a>(gathering: &Gathering, body: &'a [u8]) -> Result<Request<'a>, Fault> {
    if body.is_empty() {
        return Err(Fault::NoBody);
    }
    let text = core::str::from_utf8(body).map_err(|error| Fault::Utf8(error.valid_up_to()))?;
    gathering.endpoint.dialect.read(text).map_err(Fault::Body)
}

/// The decision, and the target whose model is written into the request; None leaves the client's own.
fn choose<'e>(
    engine: &'e Engine,
    endpoint: &Endpoint,
    request: &Request<'_>,
    clock: &impl Clock,
) -> (Decision, Option<&'e Target>) {
    let policy = &engine.policy;
    let named = if endpoint.has_model_in_path() { endpoint.model() } else { request.model.clone() };
    let auto = named.as_ref().is_none_or(|model| policy.is_auto(model));
    if !auto || !endpoint.dialect.is_routed() {
        return (Decision { reason: Some(Reason::Explicit), model: named, ..Decision::default() }, None);
    }
    let default = |reason| Decision { reason: Some(reason), model: Some(policy.default.model.clone()), ..Decision::default() };
    let window = request.prompt.window();
    if window.is_empty() {
        return (default(Reason::Empty), Some(&policy.default));
    }
    let start = clock.nanos();
    let scores = engine.model.classify(&window);
    let classify_nanos = clock.nanos().saturating_sub(start);
    let scored = scores.ok().and_then(|scores| Some((engine.model.labels().get(scores.best().0)?, scores)));
    let Some((label, scores)) = scored else {
        return (default(Reason::Failed), Some(&policy.default));
    };
    let threshold = route::threshold(policy, label, engine.model.threshold());
    let (sure, confidence) = match domain::decide(&scores, threshold) {
        Domain::Sure { confidence, .. } => (Some(label.as_str()), confidence),
        Domain::Unsure { confidence, .. } => (None, confidence),
    };
    let (target, reason) = route::choose(policy, sure);
    let (model, label) = (Some(target.model.clone()), Some(label.clone()));
    let decision = Decision { reason: Some(reason), model, label, confidence, classify_nanos };
    (decision, Some(target))
}

/// Headers to remove from any request of ours: forged ones, and the wish for a compressed answer, whose usage could not be read.
fn removed(gathering: &Gathering) -> Vec<String> {
    let mut names = gathering.forged.clone();
    names.push("accept-encoding".into());
    names
}

fn headers(engine: &Engine, gathering: &Gathering, decision: &Decision, target: Option<&Target>) -> Forward {
    let names = &engine.policy.headers;
    let mut set: Vec<(String, String)> = target.map(|target| target.headers.clone()).unwrap_or_default();
    if let (Some(Reason::Classified), Some(label)) = (decision.reason, &decision.label) {
        set.push((names.domain.clone(), label.clone()));
    }
    if let Some(model) = decision.model_header() {
        set.push((names.model.clone(), model.into()));
    }
    Forward { remove: removed(gathering), set, body: None, reroute: true }
}

/// Writes the model wherever the body names one, so that no reader of a doubled key sees another; or puts it in front.
fn model_edits(request: &Request<'_>, model: &str) -> Vec<Edit> {
    let mut quoted = String::new();
    push_quoted(model, &mut quoted);
    if request.model_spans.is_empty() {
        return vec![request.insert.edit(&format!("\"model\":{quoted}"))];
    }
    request.model_spans.iter().map(|span| Edit { span: span.clone(), text: quoted.clone() }).collect()
}

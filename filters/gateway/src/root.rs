//! The start: the policy is read and checked, the model is built, and each request gets a stream of its own.

use crate::held::{Held, TICK};
use crate::host;
use crate::stream::{self, Shared, Stream};
use log::{LevelFilter, error, info, warn};
use pointsman::config;
use pointsman::exchange::Engine;
use pointsman::model::Model;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{ContextType, LogLevel};
use std::rc::Rc;

/// The weights lie in the module's data section and are read in place.
static WEIGHTS: &[u8] = include_bytes!("../../../models/weights.safetensors");

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    log::set_max_level(LevelFilter::Info);
    proxy_wasm::set_root_context(|_| Box::new(Root::default()));
}}

/// The plugin under one configuration.
#[derive(Default)]
struct Root {
    engine: Option<Rc<Engine>>,
    held: Held<Shared>,
    /// Whether the log says already that the flag is missing.
    told: bool,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, size: usize) -> bool {
        match engine(size) {
            Ok(engine) => {
                let policy = engine.policy();
                info!(
                    "pointsman: configured: {} domains, default model '{}', quotas {}",
                    policy.domains.len(),
                    policy.default.model,
                    if policy.quotas.is_some() { "on" } else { "off" }
                );
                self.engine = Some(Rc::new(engine));
                if host::tick(TICK).is_err() {
                    warn!("pointsman: this gateway has no timer, so requests that it never shows the body of are not noticed");
                }
                true
            }
            Err(message) => {
                error!("pointsman: {message}");
                false
            }
        }
    }

    fn on_tick(&mut self) {
        if self.held.is_settled() {
            // A failure leaves a tick that does nothing.
            let _ = host::tick(0);
            return;
        }
        for (context, exchange) in self.held.overdue(host::nanos()) {
            if !core::mem::replace(&mut self.told, true) {
                error!(
                    "pointsman: the gateway does not show request bodies while headers are held: set `allow_on_headers_stop_iteration: true` \
                     in the plugin's config (Envoy 1.35 or later). Until then requests wait three seconds and go on unrouted, as they came"
                );
            }
            if host::act_for(context).is_ok() {
                stream::let_go(&exchange);
            }
        }
    }

    fn create_http_context(&self, context_id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream::new(self.engine.clone(), context_id, self.held.clone())))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

fn engine(size: usize) -> Result<Engine, String> {
    let document = host::configuration(size).map_err(|error| format!("the policy cannot be read from the gateway: {error:?}"))?;
    let model = Model::load(WEIGHTS).map_err(|error| format!("the model is refused: {error}"))?;
    let policy = config::read(&document, model.labels()).map_err(|error| error.to_string())?;
    Ok(Engine::new(policy, model))
}

//! What differs between gateways, as answers to questions that the rest of the host asks.
//!
//! Where a fact comes from stands with it: *run* was measured on the real gateway, *source* was read in its source.

/// A gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Envoy 1.35 or later with `allow_on_headers_stop_iteration`, and Higress.
    EnvoyWithFlag,
    /// Envoy without it: Istio's WasmPlugin, Envoy Gateway's EnvoyExtensionPolicy, releases before 1.35.
    EnvoyWithoutFlag,
    /// nginx with ngx_wasm_module, which is Kong 3.4 to 3.10.
    Nginx,
    /// APISIX.
    Apisix,
    /// Google Service Extensions.
    Google,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Served {
    /// It is served.
    Yes,
    /// It answers `Unimplemented`.
    Unimplemented,
    /// It ends the VM.
    Traps,
}

const UNIMPLEMENTED_BY_APISIX: [&str; 9] = [
    "proxy_get_current_time_nanoseconds",
    "proxy_set_tick_period_milliseconds",
    "proxy_get_shared_data",
    "proxy_set_shared_data",
    "proxy_register_shared_queue",
    "proxy_resolve_shared_queue",
    "proxy_enqueue_shared_queue",
    "proxy_dequeue_shared_queue",
    "proxy_call_foreign_function",
];

const UNIMPLEMENTED_BY_GOOGLE: [&str; 8] = [
    "proxy_set_tick_period_milliseconds",
    "proxy_get_shared_data",
    "proxy_set_shared_data",
    "proxy_register_shared_queue",
    "proxy_resolve_shared_queue",
    "proxy_http_call",
    "proxy_call_foreign_function",
    "proxy_continue_stream",
];

impl Profile {
    /// Whether a pause in the callback of headers stops everything, so that no body callback comes (run, on Envoy and nginx).
    pub(crate) fn pause_in_headers_stalls(self) -> bool {
        !matches!(self, Profile::EnvoyWithFlag)
    }

    /// Whether body callbacks of the request wait for the whole body.
    pub(crate) fn shows_the_whole_body(self) -> bool {
        matches!(self, Profile::Nginx | Profile::Apisix)
    }

    /// Whether the callback of request headers says that no body follows. nginx never does (run).
    pub(crate) fn tells_the_end_in_headers(self) -> bool {
        !matches!(self, Profile::Nginx)
    }

    /// Whether headers stay open to changes until the request is sent. Envoy answers `BadArgument` once they were continued (run, source).
    pub(crate) fn headers_stay_open(self) -> bool {
        matches!(self, Profile::Nginx)
    }

    /// Whether `proxy_set_buffer_bytes` writes as many bytes as it names and no more. Envoy writes all of them, and refuses to replace a part
    /// of what is there (run).
    pub(crate) fn truncates_written_bodies(self) -> bool {
        matches!(self, Profile::Nginx)
    }

    /// Whether a body may be written at all.
    pub(crate) fn writes_bodies(self) -> bool {
        !matches!(self, Profile::Apisix)
    }

    /// Whether content-length follows a body that was changed (run).
    pub(crate) fn mends_content_length(self) -> bool {
        matches!(self, Profile::Nginx)
    }

    /// Bytes of a request's body above which it is spooled, and a module that asks for it reads nothing (run; nginx's default for
    /// `client_body_buffer_size`).
    pub(crate) fn spools_above(self) -> usize {
        if self == Profile::Nginx { 16 << 10 } else { usize::MAX }
    }

    /// Whether shared data may be replaced only under its present number, 0 being that of an absent key (source, ngx_wa_shm_kv.c). Envoy
    /// inserts an absent key under any number, and 0 always overwrites.
    pub(crate) fn shared_data_is_exact(self) -> bool {
        matches!(self, Profile::Nginx)
    }

    /// What becomes of a call by its name.
    pub(crate) fn serves(self, call: &str) -> Served {
        let grpc = call.starts_with("proxy_grpc");
        match self {
            Profile::Nginx if grpc => Served::Traps,
            Profile::Apisix if grpc || UNIMPLEMENTED_BY_APISIX.contains(&call) => Served::Unimplemented,
            Profile::Google if grpc || UNIMPLEMENTED_BY_GOOGLE.contains(&call) => Served::Unimplemented,
            _ => Served::Yes,
        }
    }

    /// Whether a foreign function that the gateway does not know ends the VM (run).
    pub(crate) fn traps_on_foreign_functions(self) -> bool {
        self == Profile::Nginx
    }

    /// Whether it has `clear_route_cache`.
    pub(crate) fn clears_routes(self) -> bool {
        matches!(self, Profile::EnvoyWithFlag | Profile::EnvoyWithoutFlag)
    }

    /// The most linear memory of a VM, in bytes.
    pub(crate) fn memory(self) -> usize {
        if self == Profile::Google { 16 << 20 } else { 1 << 30 }
    }

    /// The most fuel of one callback. Google gives a stream 1 ms of CPU, which is taken for three million instructions.
    pub(crate) fn fuel(self) -> u64 {
        if self == Profile::Google { 3_000_000 } else { 1 << 40 }
    }
}

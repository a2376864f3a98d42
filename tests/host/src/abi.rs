//! Every host call of the proxy-wasm ABI 0.2.1.
//!
//! Calls to other services are refused as by a gateway that knows no cluster of that name; what else a gateway does not serve, [`Profile`]
//! says.
//!
//! [`Profile`]: crate::Profile

mod http;
mod shared;

use crate::guest::{Answer, Guest, Refusal, refused, status};
use crate::profile::Served;
use crate::state::{Deferred, State};
use crate::stream::Way;
use wasmtime::{Caller, FuncType, Linker, Result, Val, ValType, format_err};

type Call = fn(&mut Guest<'_>) -> Answer;

/// Each call's name, its arguments (`i` for 32 bits, `I` for 64), and what it does.
const CALLS: [(&str, &str, Call); 41] = [
    ("proxy_log", "iii", log),
    ("proxy_get_log_level", "i", |guest| guest.put(0, 2)),
    ("proxy_get_current_time_nanoseconds", "i", now),
    ("proxy_set_tick_period_milliseconds", "i", tick),
    ("proxy_get_buffer_bytes", "iiiii", http::get_buffer),
    ("proxy_get_buffer_status", "iii", http::buffer_status),
    ("proxy_set_buffer_bytes", "iiiii", http::set_buffer),
    ("proxy_get_header_map_pairs", "iii", http::get_pairs),
    ("proxy_get_header_map_size", "ii", http::map_size),
    ("proxy_set_header_map_pairs", "iii", http::set_pairs),
    ("proxy_get_header_map_value", "iiiii", http::get_header),
    ("proxy_add_header_map_value", "iiiii", http::add_header),
    ("proxy_replace_header_map_value", "iiiii", http::replace_header),
    ("proxy_remove_header_map_value", "iii", http::remove_header),
    ("proxy_get_property", "iiii", get_property),
    ("proxy_set_property", "iiii", set_property),
    ("proxy_get_shared_data", "iiiii", shared::get),
    ("proxy_set_shared_data", "iiiii", shared::set),
    ("proxy_register_shared_queue", "iii", shared::register_queue),
    ("proxy_resolve_shared_queue", "iiiii", shared::resolve_queue),
    ("proxy_dequeue_shared_queue", "iii", shared::dequeue),
    ("proxy_enqueue_shared_queue", "iii", shared::enqueue),
    ("proxy_define_metric", "iiii", shared::define_metric),
    ("proxy_increment_metric", "iI", shared::increment_metric),
    ("proxy_record_metric", "iI", shared::record_metric),
    ("proxy_get_metric", "ii", shared::get_metric),
    ("proxy_continue_stream", "i", continue_stream),
    ("proxy_close_stream", "i", close_stream),
    ("proxy_send_local_response", "iiiiiiii", http::reply),
    ("proxy_http_call", "iiiiiiiiii", |_| refused(status::BAD_ARGUMENT)),
    ("proxy_grpc_call", "iiiiiiiiiiii", |_| refused(status::PARSE_FAILURE)),
    ("proxy_grpc_stream", "iiiiiiiii", |_| refused(status::PARSE_FAILURE)),
    ("proxy_grpc_send", "iiii", |_| refused(status::BAD_ARGUMENT)),
    ("proxy_grpc_close", "i", |_| refused(status::BAD_ARGUMENT)),
    ("proxy_grpc_cancel", "i", |_| refused(status::BAD_ARGUMENT)),
    ("proxy_get_status", "iii", |guest| {
        guest.put(0, 0)?;
        guest.give(1, b"")
    }),
    ("proxy_set_effective_context", "i", effective_context),
    ("proxy_done", "", |_| Ok(())),
    ("proxy_call_foreign_function", "iiiiii", foreign_function),
    ("proxy_get_configuration", "ii", |_| refused(status::UNIMPLEMENTED)),
    ("proxy_get_local_address", "ii", |_| refused(status::UNIMPLEMENTED)),
];

/// Makes all calls known to a linker.
pub(crate) fn link(linker: &mut Linker<State>) -> Result<()> {
    for (name, signature, call) in CALLS {
        let params = signature.chars().map(|kind| if kind == 'I' { ValType::I64 } else { ValType::I32 });
        let kind = FuncType::new(linker.engine(), params, [ValType::I32]);
        linker.func_new("env", name, kind, move |caller, params, results| {
            let status = serve(caller, params, name, call)?;
            if let Some(result) = results.first_mut() {
                *result = Val::I32(status as i32);
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn serve(mut caller: Caller<'_, State>, params: &[Val], name: &'static str, call: Call) -> Result<u32> {
    let state = caller.data_mut();
    *state.counts.entry(name).or_default() += 1;
    match state.profile.serves(name) {
        Served::Yes => {}
        Served::Unimplemented => return Ok(status::UNIMPLEMENTED),
        Served::Traps => return Err(format_err!("{name} ends the VM on this gateway")),
    }
    let args = params.iter().map(|param| param.i64().unwrap_or(0) as u64 | param.i32().unwrap_or(0) as u32 as u64).collect();
    match call(&mut Guest { caller, args }) {
        Ok(()) => Ok(status::OK),
        Err(Refusal::Status(status)) => Ok(status),
        Err(Refusal::Trap(error)) => Err(error),
    }
}

fn log(guest: &mut Guest<'_>) -> Answer {
    let (level, text) = (guest.arg(0), guest.text(1)?);
    guest.state().log.push((level, text));
    Ok(())
}

fn now(guest: &mut Guest<'_>) -> Answer {
    let now = guest.state().now;
    guest.write(guest.arg(0), &now.to_le_bytes())
}

fn tick(guest: &mut Guest<'_>) -> Answer {
    let period = guest.arg(0);
    guest.state().tick = period;
    Ok(())
}

fn get_property(guest: &mut Guest<'_>) -> Answer {
    let path = guest.bytes(0)?;
    match guest.state().properties.get(&path).cloned() {
        Some(value) => guest.give(2, &value),
        None => refused(status::NOT_FOUND),
    }
}

fn set_property(guest: &mut Guest<'_>) -> Answer {
    let (path, value) = (guest.bytes(0)?, guest.bytes(2)?);
    guest.state().properties.insert(path, value);
    Ok(())
}

/// The stream that the call is for, with the way that its argument names.
fn way(guest: &mut Guest<'_>) -> Answer<(u32, Way)> {
    let way = match guest.arg(0) {
        0 => Way::Request,
        1 => Way::Response,
        _ => return refused(status::BAD_ARGUMENT),
    };
    let state = guest.state();
    let current = state.current;
    if state.stream().is_some() { Ok((current, way)) } else { refused(status::BAD_ARGUMENT) }
}

fn continue_stream(guest: &mut Guest<'_>) -> Answer {
    let (stream, way) = way(guest)?;
    guest.state().deferred.push_back(Deferred::Resume(stream, way));
    Ok(())
}

fn close_stream(guest: &mut Guest<'_>) -> Answer {
    let (stream, _) = way(guest)?;
    guest.state().deferred.push_back(Deferred::Close(stream));
    Ok(())
}

fn effective_context(guest: &mut Guest<'_>) -> Answer {
    let context = guest.arg(0);
    let state = guest.state();
    if context != 1 && !state.streams.contains_key(&context) {
        return refused(status::BAD_ARGUMENT);
    }
    state.current = context;
    Ok(())
}

fn foreign_function(guest: &mut Guest<'_>) -> Answer {
    let name = guest.text(0)?;
    let state = guest.state();
    if name == "clear_route_cache" && state.profile.clears_routes() {
        return match state.stream() {
            Some(stream) => {
                stream.rerouted = true;
                Ok(())
            }
            None => refused(status::BAD_ARGUMENT),
        };
    }
    if state.profile.traps_on_foreign_functions() {
        return Err(format_err!("the foreign function {name} ends the VM on this gateway").into());
    }
    refused(status::NOT_FOUND)
}

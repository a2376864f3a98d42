//! The only host calls of the filter: bytes in, a `Result` out, nothing that panics.
//!
//! The SDK's own wrappers panic on a status that they do not list and on a header that is not UTF-8, and a panic ends the VM with all
//! requests in it. So the calls are declared here a second time, with the types of the proxy-wasm ABI 0.2.1. Each is made only by a callback
//! in which the ABI allows it; which one that is stands with each function.

#![allow(unsafe_code)]

use core::ptr;

/// What a host answers instead of doing what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostError {
    /// There is no such header, key or property.
    NotFound,
    /// Another writer was first.
    CasMismatch,
    /// Any other status of the ABI.
    Status(u32),
}

/// Header maps of a stream.
#[derive(Clone, Copy, Debug)]
pub enum Map {
    /// Valid in the request's callbacks; changes are sent on as long as the headers are held.
    Request,
    /// Valid in the response's callbacks; changes are sent on in the callback of the headers only.
    Response,
}

/// Bodies of a stream.
#[derive(Clone, Copy, Debug)]
pub enum Body {
    /// Valid in the callback of the request's body.
    Request,
    /// Valid in the callback of the response's body.
    Response,
}

type Answer<T> = Result<T, HostError>;

impl Map {
    fn code(self) -> u32 {
        match self {
            Map::Request => 0,
            Map::Response => 2,
        }
    }

    /// The value of a header; of several of one name, Envoy gives the first. None when there is none.
    pub fn get(self, name: &str) -> Answer<Option<Vec<u8>>> {
        let (mut data, mut size) = (ptr::null_mut(), 0);
        // SAFETY: the name outlives the call, and both results are written before it returns.
        let status = unsafe { proxy_get_header_map_value(self.code(), name.as_ptr(), name.len(), &mut data, &mut size) };
        absent(taken(status, data, size))
    }

    /// Sets a header, in place of any of that name.
    pub fn set(self, name: &str, value: &str) -> Answer<()> {
        // SAFETY: both strings outlive the call.
        done(unsafe { proxy_replace_header_map_value(self.code(), name.as_ptr(), name.len(), value.as_ptr(), value.len()) })
    }

    /// Removes a header; nothing happens when there is none.
    pub fn remove(self, name: &str) -> Answer<()> {
        // SAFETY: the name outlives the call.
        match done(unsafe { proxy_remove_header_map_value(self.code(), name.as_ptr(), name.len()) }) {
            Err(HostError::NotFound) => Ok(()),
            other => other,
        }
    }
}

impl Body {
    fn code(self) -> u32 {
        match self {
            Body::Request => 0,
            Body::Response => 1,
        }
    }

    /// So many bytes of the body from its start, or as many as are there.
    pub fn read(self, size: usize) -> Answer<Vec<u8>> {
        let (mut data, mut length) = (ptr::null_mut(), 0);
        // SAFETY: both results are written before the call returns.
        let status = unsafe { proxy_get_buffer_bytes(self.code(), 0, size, &mut data, &mut length) };
        Ok(absent(taken(status, data, length))?.unwrap_or_default())
    }

    /// Puts `bytes` in place of the body, of which `size` bytes are there.
    ///
    /// Hosts differ in what they do with a size: one truncates what it writes to it, another wants at least what is there. The larger of
    /// both lengths is right on all.
    pub fn replace(self, size: usize, bytes: &[u8]) -> Answer<()> {
        // SAFETY: the bytes outlive the call.
        done(unsafe { proxy_set_buffer_bytes(self.code(), 0, size.max(bytes.len()), bytes.as_ptr(), bytes.len()) })
    }
}

/// The policy. Valid while the plugin is configured.
pub fn configuration(size: usize) -> Answer<Vec<u8>> {
    const PLUGIN_CONFIGURATION: u32 = 7;
    let (mut data, mut length) = (ptr::null_mut(), 0);
    // SAFETY: both results are written before the call returns.
    let status = unsafe { proxy_get_buffer_bytes(PLUGIN_CONFIGURATION, 0, size, &mut data, &mut length) };
    Ok(absent(taken(status, data, length))?.unwrap_or_default())
}

/// A value that all VMs of one `vm_id` share, and the number to give back when it is replaced. Valid everywhere.
pub fn shared_get(key: &str) -> Answer<Option<(Vec<u8>, u32)>> {
    let (mut data, mut size, mut cas) = (ptr::null_mut(), 0, 0);
    // SAFETY: the key outlives the call, and all results are written before it returns.
    let status = unsafe { proxy_get_shared_data(key.as_ptr(), key.len(), &mut data, &mut size, &mut cas) };
    Ok(absent(taken(status, data, size))?.map(|value| (value, cas)))
}

/// Replaces a shared value unless it was replaced since `cas` was read; 0 replaces it in any case. Valid everywhere.
pub fn shared_set(key: &str, value: &[u8], cas: u32) -> Answer<()> {
    // SAFETY: key and value outlive the call.
    done(unsafe { proxy_set_shared_data(key.as_ptr(), key.len(), value.as_ptr(), value.len(), cas) })
}

/// Has the gateway choose the route anew, from the headers as they are now. Valid in the request's callbacks, on hosts of Envoy's family only.
pub fn clear_route_cache() -> Answer<()> {
    const NAME: &str = "clear_route_cache";
    let (mut data, mut size) = (ptr::null_mut(), 0);
    // SAFETY: the name outlives the call; there are no arguments; both results are written before it returns.
    let status = unsafe { proxy_call_foreign_function(NAME.as_ptr(), NAME.len(), ptr::null(), 0, &mut data, &mut size) };
    taken(status, data, size).map(|_| ())
}

/// Answers the client. Valid in the request's callbacks.
pub fn reply(status: u16, detail: &str, headers: &[(String, String)], body: &[u8]) -> Answer<()> {
    const NO_GRPC_STATUS: i32 = -1;
    let headers = pairs(headers);
    // SAFETY: detail, body and headers outlive the call.
    done(unsafe {
        proxy_send_local_response(
            u32::from(status),
            detail.as_ptr(),
            detail.len(),
            body.as_ptr(),
            body.len(),
            headers.as_ptr(),
            headers.len(),
            NO_GRPC_STATUS,
        )
    })
}

/// Lets the request go on whose headers are held. Valid outside the request's own callbacks, after [`act_for`].
pub fn resume_request() -> Answer<()> {
    const REQUEST: u32 = 0;
    // SAFETY: the call takes a number only.
    done(unsafe { proxy_continue_stream(REQUEST) })
}

/// Makes the following calls those of this stream. Valid in a root context's callbacks.
pub fn act_for(context: u32) -> Answer<()> {
    // SAFETY: the call takes a number only.
    done(unsafe { proxy_set_effective_context(context) })
}

/// Has the root context's tick called so often; 0 stops it. Valid in a root context's callbacks.
pub fn tick(milliseconds: u32) -> Answer<()> {
    // SAFETY: the call takes a number only.
    done(unsafe { proxy_set_tick_period_milliseconds(milliseconds) })
}

/// Nanoseconds since 1970; 0 on a host without a clock. Valid everywhere.
pub fn nanos() -> u64 {
    let mut nanos = 0;
    // SAFETY: the result is written before the call returns.
    match done(unsafe { proxy_get_current_time_nanoseconds(&mut nanos) }) {
        Ok(()) => nanos,
        Err(_) => 0,
    }
}

/// Header pairs as the ABI sends them: a count, the sizes of all names and values, then each of them with a zero byte behind it.
fn pairs(headers: &[(String, String)]) -> Vec<u8> {
    let mut out = Vec::new();
    let number = |out: &mut Vec<u8>, number: usize| out.extend_from_slice(&u32::try_from(number).unwrap_or(0).to_le_bytes());
    number(&mut out, headers.len());
    for (name, value) in headers {
        number(&mut out, name.len());
        number(&mut out, value.len());
    }
    for text in headers.iter().flat_map(|(name, value)| [name, value]) {
        out.extend_from_slice(text.as_bytes());
        out.push(0);
    }
    out
}

fn done(status: u32) -> Answer<()> {
    match status {
        0 => Ok(()),
        1 => Err(HostError::NotFound),
        8 => Err(HostError::CasMismatch),
        other => Err(HostError::Status(other)),
    }
}

fn absent<T: Default>(answer: Answer<T>) -> Answer<Option<T>> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(HostError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Takes over what the host wrote into the module's memory.
fn taken(status: u32, data: *mut u8, size: usize) -> Answer<Vec<u8>> {
    done(status)?;
    if data.is_null() {
        return Ok(Vec::new());
    }
    // SAFETY: the host got this memory from `proxy_on_memory_allocate`, which makes a vector of exactly that capacity, and wrote all of it.
    Ok(unsafe { Vec::from_raw_parts(data, size, size) })
}

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_get_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        value: *mut *mut u8,
        value_size: *mut usize,
    ) -> u32;
    fn proxy_replace_header_map_value(map: u32, name: *const u8, name_size: usize, value: *const u8, value_size: usize) -> u32;
    fn proxy_remove_header_map_value(map: u32, name: *const u8, name_size: usize) -> u32;
    fn proxy_get_buffer_bytes(buffer: u32, start: usize, size: usize, data: *mut *mut u8, data_size: *mut usize) -> u32;
    fn proxy_set_buffer_bytes(buffer: u32, start: usize, size: usize, data: *const u8, data_size: usize) -> u32;
    fn proxy_get_shared_data(key: *const u8, key_size: usize, value: *mut *mut u8, value_size: *mut usize, cas: *mut u32) -> u32;
    fn proxy_set_shared_data(key: *const u8, key_size: usize, value: *const u8, value_size: usize, cas: u32) -> u32;
    fn proxy_call_foreign_function(
        name: *const u8,
        name_size: usize,
        arguments: *const u8,
        arguments_size: usize,
        results: *mut *mut u8,
        results_size: *mut usize,
    ) -> u32;
    fn proxy_send_local_response(
        status: u32,
        detail: *const u8,
        detail_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> u32;
    fn proxy_set_effective_context(context: u32) -> u32;
    fn proxy_continue_stream(stream: u32) -> u32;
    fn proxy_set_tick_period_milliseconds(milliseconds: u32) -> u32;
    fn proxy_get_current_time_nanoseconds(nanos: *mut u64) -> u32;
}

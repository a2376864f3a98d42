//! Host calls on the headers and bodies of a stream, each in the phases in which the gateway answers it.

use crate::guest::{Answer, Guest, Refusal, refused, status};
use crate::map::Map;
use crate::state::{Deferred, State};
use crate::stream::Way;

/// The map that the first argument names, to be read or to be changed.
fn map(state: &mut State, kind: u32, change: bool) -> Answer<&mut Map> {
    if change && state.logging {
        return refused(status::BAD_ARGUMENT);
    }
    let logging = state.logging;
    let Some(stream) = state.stream() else {
        return refused(status::BAD_ARGUMENT);
    };
    let found = match kind {
        0 if logging || stream.request.headers_open => Some(&mut stream.request.headers),
        1 => stream.request.trailers.as_mut(),
        2 if logging || stream.response.headers_open => Some(&mut stream.response.headers),
        3 => stream.response.trailers.as_mut(),
        _ => None,
    };
    found.ok_or(Refusal::Status(status::BAD_ARGUMENT))
}

pub fn get_header(guest: &mut Guest<'_>) -> Answer {
    let (kind, name) = (guest.arg(0), guest.text(1)?);
    let value = map(guest.state(), kind, false)?.get(&name).map(<[u8]>::to_vec);
    match value {
        Some(value) => guest.give(3, &value),
        None => refused(status::NOT_FOUND),
    }
}

pub fn add_header(guest: &mut Guest<'_>) -> Answer {
    let (kind, name, value) = (guest.arg(0), guest.bytes(1)?, guest.bytes(3)?);
    map(guest.state(), kind, true)?.add(&name, &value);
    Ok(())
}

pub fn replace_header(guest: &mut Guest<'_>) -> Answer {
    let (kind, name, value) = (guest.arg(0), guest.bytes(1)?, guest.bytes(3)?);
    map(guest.state(), kind, true)?.set(&name, &value);
    Ok(())
}

pub fn remove_header(guest: &mut Guest<'_>) -> Answer {
    let (kind, name) = (guest.arg(0), guest.bytes(1)?);
    map(guest.state(), kind, true)?.remove(&name);
    Ok(())
}

pub fn get_pairs(guest: &mut Guest<'_>) -> Answer {
    let kind = guest.arg(0);
    // Envoy answers with no pairs where there is no map.
    let pairs = map(guest.state(), kind, false).map(|map| map.written()).unwrap_or_else(|_| Map::default().written());
    guest.give(1, &pairs)
}

pub fn set_pairs(guest: &mut Guest<'_>) -> Answer {
    let (kind, pairs) = (guest.arg(0), guest.bytes(1)?);
    let Some(pairs) = Map::read(&pairs) else {
        return refused(status::BAD_ARGUMENT);
    };
    *map(guest.state(), kind, true)? = pairs;
    Ok(())
}

pub fn map_size(guest: &mut Guest<'_>) -> Answer {
    let kind = guest.arg(0);
    let size = map(guest.state(), kind, true)?.pairs().map(|(name, value)| name.len() + value.len()).sum::<usize>();
    guest.put(1, size as u32)
}

/// The way whose body a buffer's number names; None is another buffer.
fn way(buffer: u32) -> Option<Way> {
    match buffer {
        0 => Some(Way::Request),
        1 => Some(Way::Response),
        _ => None,
    }
}

/// A buffer's content, or NotFound.
fn buffer(guest: &mut Guest<'_>) -> Answer<Vec<u8>> {
    const VM_CONFIGURATION: u32 = 6;
    const PLUGIN_CONFIGURATION: u32 = 7;
    let kind = guest.arg(0);
    let state = guest.state();
    let spools_above = state.profile.spools_above();
    let found = match (kind, way(kind)) {
        (_, Some(way)) => {
            let side = state.stream().map(|stream| stream.side(way));
            side.map(|side| match side.body_open {
                true if way == Way::Request && side.body.len() > spools_above => Vec::new(),
                true => side.body.clone(),
                false => Vec::new(),
            })
        }
        (VM_CONFIGURATION, _) => Some(Vec::new()),
        (PLUGIN_CONFIGURATION, _) => state.configuration.clone(),
        _ => None,
    };
    found.ok_or(Refusal::Status(status::NOT_FOUND))
}

pub fn get_buffer(guest: &mut Guest<'_>) -> Answer {
    let (start, most) = (guest.arg(1) as usize, guest.arg(2) as usize);
    let content = buffer(guest)?;
    let end = start.saturating_add(most).min(content.len());
    match content.get(start..end) {
        // Nothing is written when there is nothing to give (source, proxy-wasm-cpp-host's exports.cc).
        Some([]) | None => Ok(()),
        Some(bytes) => guest.give(3, bytes),
    }
}

pub fn buffer_status(guest: &mut Guest<'_>) -> Answer {
    let size = buffer(guest)?.len();
    guest.put(1, size as u32)?;
    guest.put(2, 0)
}

pub fn set_buffer(guest: &mut Guest<'_>) -> Answer {
    let (kind, start, size, bytes) = (guest.arg(0), guest.arg(1) as usize, guest.arg(2) as usize, guest.bytes(3)?);
    let state = guest.state();
    let profile = state.profile;
    let (Some(way), true) = (way(kind), profile.writes_bodies()) else {
        return refused(if profile.writes_bodies() { status::BAD_ARGUMENT } else { status::UNIMPLEMENTED });
    };
    let side = state.stream().map(|stream| stream.side(way)).filter(|side| side.body_open);
    let Some(side) = side else {
        return refused(status::BAD_ARGUMENT);
    };
    let present = side.body.len();
    if profile.truncates_written_bodies() {
        let bytes = bytes.get(..size.min(bytes.len())).unwrap_or_default();
        side.body.truncate(start);
        side.body.extend_from_slice(bytes);
    } else if start == 0 && size == 0 {
        side.body.splice(..0, bytes);
    } else if start == 0 && size >= present {
        side.body = bytes;
    } else if start >= present {
        side.body.extend_from_slice(&bytes);
    } else {
        return refused(status::BAD_ARGUMENT);
    }
    Ok(())
}

pub fn reply(guest: &mut Guest<'_>) -> Answer {
    let (status, detail, body, headers) = (guest.arg(0), guest.text(1)?, guest.bytes(3)?, guest.bytes(5)?);
    let Some(headers) = Map::read(&headers) else {
        return refused(status::BAD_ARGUMENT);
    };
    let state = guest.state();
    let current = state.current;
    let Some(stream) = state.stream().filter(|stream| stream.response.sent.headers.is_none()) else {
        return refused(status::BAD_ARGUMENT);
    };
    stream.answered = Some(detail);
    state.deferred.push_back(Deferred::Reply { stream: current, status, headers, body });
    Ok(())
}

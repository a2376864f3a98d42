//! Host calls on what VMs share: data, queues, metrics.

use crate::guest::{Answer, Guest, refused, status};
use crate::state::Zone;
use wasmtime::format_err;

fn zone(guest: &mut Guest<'_>) -> Answer<Zone> {
    let zone = guest.state().shared.clone();
    zone.ok_or_else(|| format_err!("shared data without a zone ends the VM on this gateway").into())
}

pub fn get(guest: &mut Guest<'_>) -> Answer {
    let zone = zone(guest)?;
    let key = guest.bytes(0)?;
    let found = zone.borrow().get(&key);
    let Some((value, cas)) = found else {
        return refused(status::NOT_FOUND);
    };
    guest.give(2, &value)?;
    guest.put(4, cas)
}

pub fn set(guest: &mut Guest<'_>) -> Answer {
    let zone = zone(guest)?;
    let (key, value, cas) = (guest.bytes(0)?, guest.bytes(2)?, guest.arg(4));
    let exact = guest.state().profile.shared_data_is_exact();
    if zone.borrow_mut().set(&key, &value, cas, exact) { Ok(()) } else { refused(status::CAS_MISMATCH) }
}

pub fn register_queue(guest: &mut Guest<'_>) -> Answer {
    let name = guest.bytes(0)?;
    let state = guest.state();
    let next = state.queues.len() as u32 + 1;
    let token = *state.queues.entry(name).or_insert(next);
    guest.put(2, token)
}

pub fn resolve_queue(guest: &mut Guest<'_>) -> Answer {
    let name = guest.bytes(2)?;
    match guest.state().queues.get(&name).copied() {
        Some(token) => guest.put(4, token),
        None => refused(status::NOT_FOUND),
    }
}

fn known_queue(guest: &mut Guest<'_>) -> Answer<u32> {
    let token = guest.arg(0);
    if guest.state().queues.values().any(|known| *known == token) { Ok(token) } else { refused(status::NOT_FOUND) }
}

pub fn dequeue(guest: &mut Guest<'_>) -> Answer {
    let token = known_queue(guest)?;
    match guest.state().queued.entry(token).or_default().pop_front() {
        Some(value) => guest.give(1, &value),
        None => refused(status::EMPTY),
    }
}

pub fn enqueue(guest: &mut Guest<'_>) -> Answer {
    let (token, value) = (known_queue(guest)?, guest.bytes(1)?);
    guest.state().queued.entry(token).or_default().push_back(value);
    Ok(())
}

pub fn define_metric(guest: &mut Guest<'_>) -> Answer {
    let name = guest.bytes(1)?;
    let metrics = &mut guest.state().metrics;
    let id = metrics.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
        metrics.push((name, 0));
        metrics.len() - 1
    });
    guest.put(3, id as u32)
}

fn metric<'a>(guest: &'a mut Guest<'_>) -> Answer<&'a mut i64> {
    let id = guest.arg(0) as usize;
    match guest.state().metrics.get_mut(id) {
        Some((_, value)) => Ok(value),
        None => refused(status::NOT_FOUND),
    }
}

pub fn increment_metric(guest: &mut Guest<'_>) -> Answer {
    let by = guest.args.get(1).copied().unwrap_or_default() as i64;
    *metric(guest)? += by;
    Ok(())
}

pub fn record_metric(guest: &mut Guest<'_>) -> Answer {
    let value = guest.args.get(1).copied().unwrap_or_default() as i64;
    *metric(guest)? = value;
    Ok(())
}

pub fn get_metric(guest: &mut Guest<'_>) -> Answer {
    let value = *metric(guest)?;
    guest.write(guest.arg(1), &value.to_le_bytes())
}

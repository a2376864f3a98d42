//! Runs a scenario through a gateway and compares what both sides got with what it expects.

use super::chunking::Chunking;
use super::scenario::{Case, Expect, Request, Scenario, Upstream};
use super::{Gateway, Message, Seen};
use pointsman_test_host::Map;
use serde_json::Value;
use std::collections::BTreeMap;

type Checked = Result<(), String>;

/// Runs all exchanges; an error names the first that was not as expected.
pub fn run(scenario: &Scenario, gateway: &mut dyn Gateway, chunking: Chunking) -> Checked {
    gateway.reset(scenario.clock);
    let (mut numbers, mut reserves) = (Vec::new(), Vec::new());
    for (at, case) in scenario.exchanges.iter().enumerate() {
        let place = |problem: String| format!("exchange {at}: {problem}");
        gateway.advance(case.advance);
        let (exchange, request) = match (&case.request, case.resume) {
            (Some(request), None) => {
                let chunks = chunking.cut(&request.bytes());
                let trailers = request.trailers.as_ref().map(|trailers| trailers.iter().collect::<Map>());
                (gateway.request(request.headers(), &chunks, trailers), request)
            }
            (None, Some(earlier)) => {
                (numbers[earlier], scenario.exchanges[earlier].request.as_ref().ok_or("resumes what is no request")?)
            }
            _ => return Err(place("has a request or resumes one, not both".into())),
        };
        numbers.push(exchange);
        let seen = one(gateway, exchange, case, chunking).map_err(place)?;
        reserves.push(seen.client.as_ref().and_then(|client| number(client, "x-pointsman-reserved")).unwrap_or(0));
        check(&seen, request, case, &reserves).map_err(place)?;
    }
    Ok(())
}

fn one(gateway: &mut dyn Gateway, exchange: usize, case: &Case, chunking: Chunking) -> Result<Seen, String> {
    let seen = gateway.seen(exchange);
    if seen.client.is_some() {
        return Ok(gateway.close(exchange));
    }
    let Some(upstream) = &case.upstream else {
        return match case.expect.refused {
            Some(status) => Err(format!("expected the answer {status}, got none")),
            None => Ok(seen),
        };
    };
    if !upstream.gone {
        let body = upstream.pieces().concat();
        let end = upstream.breaks_after.unwrap_or(body.len()).min(body.len());
        let trailers = upstream.trailers.as_ref().map(|trailers| trailers.iter().collect::<Map>());
        gateway.answer(exchange, upstream.headers(), &chunking.cut(&body[..end]), trailers, upstream.breaks_after.is_none());
    }
    Ok(gateway.close(exchange))
}

fn check(seen: &Seen, request: &Request, case: &Case, reserves: &[u64]) -> Checked {
    let expect = &case.expect;
    if let Some(status) = expect.refused {
        return refusal(seen, status, expect);
    }
    if let Some(word) = &seen.answered {
        return Err(format!("the gateway answered {word}: {}", shown(seen.client.as_ref())));
    }
    let sent = seen.upstream.as_ref().ok_or("nothing went upstream")?;
    if !sent.ended {
        return Err("the request did not end upstream".into());
    }
    let mut body = request.bytes();
    for (before, after) in &expect.upstream.edits {
        let text = String::from_utf8_lossy(&body).into_owned();
        if !text.contains(before.as_str()) {
            return Err(format!("the scenario's edit {before:?} is not in the body"));
        }
        body = text.replacen(before.as_str(), after, 1).into_bytes();
    }
    same("upstream's body", &sent.body, &body)?;
    let length = sent.headers.text("content-length");
    if length.as_ref().is_some_and(|length| *length != sent.body.len().to_string()) {
        return Err(format!("upstream's content-length is {length:?}, the body has {} bytes", sent.body.len()));
    }
    if expect.untouched && sent.headers != request.headers() {
        return Err(format!(
            "upstream's headers are {:?}, the client's were {:?}",
            texts(&sent.headers),
            texts(&request.headers())
        ));
    }
    if let Some(trailers) = &request.trailers
        && sent.trailers != Some(trailers.iter().collect())
    {
        return Err(format!("upstream's trailers are {:?}", sent.trailers));
    }
    let path = expect.upstream.path.as_ref().unwrap_or(&request.path);
    if sent.headers.text(":path").as_ref() != Some(path) || sent.headers.text(":method").as_ref() != Some(&request.method) {
        return Err(format!("upstream's request line is {:?}, expected {} {path}", texts(&sent.headers), request.method));
    }
    headers("upstream", &sent.headers, &expect.upstream.headers)?;
    match &case.upstream {
        Some(upstream) if !upstream.gone => {
            answer(seen.client.as_ref().ok_or("the client got nothing")?, upstream, expect, reserves)
        }
        _ => Ok(()),
    }
}

fn answer(got: &Message, upstream: &Upstream, expect: &Expect, reserves: &[u64]) -> Checked {
    let status = upstream.status.unwrap_or(200).to_string();
    if got.headers.text(":status") != Some(status) {
        return Err(format!("the client's answer is {}", shown(Some(got))));
    }
    let kept = upstream.pieces().into_iter().enumerate().filter(|(at, _)| !expect.client.without.contains(at));
    let mut body = kept.map(|(_, piece)| piece).collect::<Vec<_>>().concat();
    body.truncate(upstream.breaks_after.unwrap_or(usize::MAX));
    match upstream.breaks_after {
        // The piece under way may have been kept back.
        Some(_) if body.starts_with(&got.body) => {}
        _ => same("the client's body", &got.body, &body)?,
    }
    if expect.untouched && got.headers != upstream.headers() {
        return Err(format!("the client's headers are {:?}", texts(&got.headers)));
    }
    headers("the client", &got.headers, &expect.client.headers)?;
    let sum = |exchanges: &[usize]| exchanges.iter().map(|at| reserves[*at]).sum::<u64>();
    let expected = expect.room.map(|room| room + sum(&expect.plus) - sum(&expect.less));
    let room = number(got, "x-ratelimit-remaining-tokens").zip(number(got, "x-pointsman-reserved")).map(|(left, own)| left + own);
    match expected {
        Some(_) if room != expected => Err(format!("the room is {room:?}, expected {expected:?}: {:?}", texts(&got.headers))),
        _ => Ok(()),
    }
}

/// A header that is a number.
fn number(message: &Message, name: &str) -> Option<u64> {
    message.headers.text(name).and_then(|text| text.parse().ok())
}

fn refusal(seen: &Seen, status: u16, expect: &Expect) -> Checked {
    let got = seen.client.as_ref().ok_or_else(|| format!("expected the answer {status}, got none"))?;
    if seen.upstream.is_some() {
        return Err("a request that is refused went upstream".into());
    }
    if got.headers.text(":status") != Some(status.to_string()) {
        return Err(format!("expected the answer {status}, got {}", shown(Some(got))));
    }
    headers("the client", &got.headers, &expect.client.headers)?;
    let body: Value = serde_json::from_slice(&got.body).map_err(|error| format!("the answer is no JSON: {error}"))?;
    for (pointer, value) in &expect.client.json {
        if body.pointer(pointer) != Some(value) {
            return Err(format!("expected {value} at {pointer}: {body}"));
        }
    }
    match expect.client.words.iter().find(|word| !body.to_string().contains(word.as_str())) {
        Some(word) => Err(format!("{word:?} is missing: {body}")),
        None => Ok(()),
    }
}

fn headers(whose: &str, got: &Map, expected: &BTreeMap<String, Option<String>>) -> Checked {
    for (name, value) in expected {
        if got.text(name) != *value {
            return Err(format!("{whose}: expected {name}: {value:?}, got {:?} in {:?}", got.text(name), texts(got)));
        }
    }
    Ok(())
}

fn same(what: &str, got: &[u8], expected: &[u8]) -> Checked {
    match got == expected {
        true => Ok(()),
        false => {
            let text = String::from_utf8_lossy;
            Err(format!("{what} is\n  {}\nexpected\n  {}", text(got).escape_debug(), text(expected).escape_debug()))
        }
    }
}

fn texts(map: &Map) -> Vec<String> {
    map.pairs().map(|(name, value)| format!("{}: {}", String::from_utf8_lossy(name), String::from_utf8_lossy(value))).collect()
}

fn shown(message: Option<&Message>) -> String {
    message
        .map_or_else(String::new, |message| format!("{:?} {}", texts(&message.headers), String::from_utf8_lossy(&message.body)))
}

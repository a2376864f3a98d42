//! A request and its response, event by event, in the order and with the pauses of the gateway.

use crate::host::{Fault, Host, ROOT};
use crate::map::Map;
use crate::state::Deferred;
use crate::stream::{Side, Stream, Way};

type Done = Result<(), Fault>;

/// What the module answers to a callback when the event may go on.
const CONTINUE: u32 = 0;

impl Way {
    fn callback(self, part: Part) -> &'static str {
        match (self, part) {
            (Way::Request, Part::Headers) => "proxy_on_request_headers",
            (Way::Request, Part::Body) => "proxy_on_request_body",
            (Way::Request, Part::Trailers) => "proxy_on_request_trailers",
            (Way::Response, Part::Headers) => "proxy_on_response_headers",
            (Way::Response, Part::Body) => "proxy_on_response_body",
            (Way::Response, Part::Trailers) => "proxy_on_response_trailers",
        }
    }
}

#[derive(Clone, Copy)]
enum Part {
    Headers,
    Body,
    Trailers,
}

impl Host {
    /// A request comes; `end` says that there is no body. The number is the stream's.
    pub fn request(&mut self, headers: Map, end: bool) -> Result<u32, Fault> {
        let id = self.next;
        self.next += 1;
        self.store.data_mut().streams.insert(id, Stream::default());
        self.call("proxy_on_context_create", id, &[ROOT])?;
        self.headers(id, Way::Request, headers, end)?;
        Ok(id)
    }

    /// Headers of a response come; `end` says that there is no body.
    pub fn response(&mut self, id: u32, headers: Map, end: bool) -> Done {
        self.headers(id, Way::Response, headers, end)
    }

    /// What is known of a stream.
    pub fn stream(&self, id: u32) -> Option<&Stream> {
        self.store.data().streams.get(&id)
    }

    /// A stream is over, in whatever way: it is logged and forgotten.
    pub fn close(&mut self, id: u32) -> Result<Stream, Fault> {
        self.store.data_mut().logging = true;
        let logged = self.call("proxy_on_log", id, &[]);
        self.store.data_mut().logging = false;
        logged?;
        self.call("proxy_on_done", id, &[])?;
        self.call("proxy_on_delete", id, &[])?;
        Ok(self.store.data_mut().streams.remove(&id).unwrap_or_default())
    }

    fn side(&mut self, id: u32, way: Way) -> Option<&mut Side> {
        let stream = self.store.data_mut().streams.get_mut(&id)?;
        // Once the module answered, nothing more of the request is looked at.
        let over = way == Way::Request && stream.answered.is_some();
        (!over).then(|| stream.side(way))
    }

    fn headers(&mut self, id: u32, way: Way, headers: Map, end: bool) -> Done {
        let profile = self.store.data().profile;
        let Some(side) = self.side(id, way) else {
            return Ok(());
        };
        let count = headers.len() as u32;
        (side.headers, side.headers_open) = (headers, true);
        let told = end && profile.tells_the_end_in_headers();
        let action = self.call(way.callback(Part::Headers), id, &[count, u32::from(told)])?;
        if let Some(side) = self.side(id, way) {
            if action == CONTINUE {
                side.headers_open = profile.headers_stay_open();
                // A gateway that shows the whole body sends nothing before it.
                let waits = way == Way::Request && profile.shows_the_whole_body() && !end;
                if !waits {
                    side.send_headers();
                    side.sent.ended = end;
                }
            } else {
                side.stalled = profile.pause_in_headers_stalls();
                side.pending_end = end;
            }
        }
        self.after()
    }

    /// A piece of a body comes; `end` says that none follows.
    pub fn body(&mut self, id: u32, way: Way, chunk: &[u8], end: bool) -> Done {
        let (profile, limit) = (self.store.data().profile, self.buffer_limit);
        let Some(side) = self.side(id, way) else {
            return Ok(());
        };
        let waits = way == Way::Request && profile.shows_the_whole_body() && !end;
        if side.stalled || waits {
            side.pending.extend_from_slice(chunk);
            side.pending_end |= end;
            return Ok(());
        }
        if !side.buffering {
            side.body.clear();
        } else if way == Way::Request && side.body.len() + chunk.len() > limit {
            return self.too_long(id);
        }
        let pending = core::mem::take(&mut side.pending);
        side.body.extend(pending);
        side.body.extend_from_slice(chunk);
        side.body_open = true;
        let size = side.body.len() as u32;
        let action = self.call(way.callback(Part::Body), id, &[size, u32::from(end)])?;
        if let Some(side) = self.side(id, way) {
            if action == CONTINUE {
                side.send_body(end);
                if end && profile.mends_content_length() {
                    side.mend_length();
                }
            } else {
                (side.buffering, side.pending_end) = (true, end);
            }
        }
        self.after()
    }

    /// Trailers come, which end a direction.
    pub fn trailers(&mut self, id: u32, way: Way, trailers: Map) -> Done {
        let Some(side) = self.side(id, way) else {
            return Ok(());
        };
        let count = trailers.len() as u32;
        side.trailers = Some(trailers);
        if side.stalled {
            return Ok(());
        }
        let action = self.call(way.callback(Part::Trailers), id, &[count])?;
        if let Some(side) = self.side(id, way)
            && action == CONTINUE
        {
            side.send_body(true);
            side.sent.trailers = side.trailers.clone();
        }
        self.after()
    }

    /// Does what calls of the module have asked for meanwhile.
    pub(crate) fn after(&mut self) -> Done {
        while let Some(deferred) = self.store.data_mut().deferred.pop_front() {
            match deferred {
                Deferred::Resume(id, way) => self.resume(id, way)?,
                Deferred::Reply { stream, status, headers, body } => self.reply(stream, status, headers, &body)?,
                Deferred::Close(id) => {
                    self.close(id)?;
                }
            }
        }
        Ok(())
    }

    fn resume(&mut self, id: u32, way: Way) -> Done {
        let Some(side) = self.side(id, way) else {
            return Ok(());
        };
        if side.stalled {
            // Envoy shows the module what came meanwhile, after the headers have gone (source, FilterManager::commonContinue).
            side.stalled = false;
            side.send_headers();
            let (pending, end, trailers) = (core::mem::take(&mut side.pending), side.pending_end, side.trailers.take());
            let last = end && trailers.is_none();
            if !pending.is_empty() {
                self.body(id, way, &pending, last)?;
            } else {
                side.sent.ended |= last;
            }
            if let Some(trailers) = trailers {
                self.trailers(id, way, trailers)?;
            }
        } else {
            let end = side.pending_end;
            side.send_body(end);
        }
        Ok(())
    }

    /// The gateway answers itself, without a word to the module about what has come (source, Context::decodeData).
    fn too_long(&mut self, id: u32) -> Done {
        if let Some(stream) = self.store.data_mut().streams.get_mut(&id) {
            stream.answered = Some("request_payload_too_large".into());
        }
        self.reply(id, 413, Map::default(), b"Payload Too Large")
    }

    /// An answer of the module's own goes through its response callbacks, as Envoy's local replies do.
    fn reply(&mut self, id: u32, status: u32, mut headers: Map, body: &[u8]) -> Done {
        headers.set(b":status", status.to_string().as_bytes());
        headers.set(b"content-length", body.len().to_string().as_bytes());
        self.response(id, headers, body.is_empty())?;
        if body.is_empty() { Ok(()) } else { self.body(id, Way::Response, body, true) }
    }
}

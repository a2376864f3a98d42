//! What a gateway knows of one request and its response.

use crate::map::Map;

/// A direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the client to the upstream.
    Request,
    /// From the upstream to the client.
    Response,
}

/// What went on in one direction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Headers; None while none went on.
    pub headers: Option<Map>,
    /// The body, in the pieces that went on.
    pub chunks: Vec<Vec<u8>>,
    /// Trailers.
    pub trailers: Option<Map>,
    /// Nothing follows.
    pub ended: bool,
}

impl Sent {
    /// The whole body.
    pub fn body(&self) -> Vec<u8> {
        self.chunks.concat()
    }
}

/// One direction of a stream.
#[derive(Debug, Default)]
pub(crate) struct Side {
    /// Headers as the module last left them.
    pub headers: Map,
    /// Header calls find them.
    pub headers_open: bool,
    /// Trailers; Some while trailer calls find them, or once they came.
    pub trailers: Option<Map>,
    /// The body that body calls find.
    pub body: Vec<u8>,
    /// Body calls find it.
    pub body_open: bool,
    /// The module paused in the callback of the body, so what comes is added to what is there.
    pub buffering: bool,
    /// The module paused in the callback of headers, and this gateway shows it no body then.
    pub stalled: bool,
    /// What came meanwhile, to be shown at once.
    pub pending: Vec<u8>,
    /// The end came meanwhile.
    pub pending_end: bool,
    /// What went on.
    pub sent: Sent,
}

/// One request and its response.
#[derive(Debug, Default)]
pub struct Stream {
    pub(crate) request: Side,
    pub(crate) response: Side,
    /// The module, or the gateway, answered the client itself, with this word for the log.
    pub answered: Option<String>,
    /// The module had the route chosen anew.
    pub rerouted: bool,
}

impl Stream {
    pub(crate) fn side(&mut self, way: Way) -> &mut Side {
        match way {
            Way::Request => &mut self.request,
            Way::Response => &mut self.response,
        }
    }

    /// What the upstream got.
    pub fn upstream(&self) -> &Sent {
        &self.request.sent
    }

    /// What the client got.
    pub fn client(&self) -> &Sent {
        &self.response.sent
    }
}

impl Side {
    /// Sends headers on, unless they went already.
    pub fn send_headers(&mut self) {
        if self.sent.headers.is_none() {
            self.sent.headers = Some(self.headers.clone());
        }
    }

    /// Sends on what is there of the body.
    pub fn send_body(&mut self, end: bool) {
        self.send_headers();
        let body = core::mem::take(&mut self.body);
        if !body.is_empty() {
            self.sent.chunks.push(body);
        }
        self.sent.ended |= end;
        (self.buffering, self.body_open) = (false, false);
    }

    /// Sets content-length to the length of what was sent, where the gateway does that.
    pub fn mend_length(&mut self) {
        let length: usize = self.sent.chunks.iter().map(Vec::len).sum();
        if let Some(headers) = self.sent.headers.as_mut().filter(|headers| headers.get("content-length").is_some()) {
            headers.set(b"content-length", length.to_string().as_bytes());
        }
    }
}

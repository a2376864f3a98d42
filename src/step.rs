//! What a gateway is to do next with a request: decisions as data.

/// The next step for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing to do; the request is not ours.
    Continue,
    /// Hold the headers and gather the body.
    Wait,
    /// Apply this and let the request go.
    Forward(Forward),
    /// Answer the client; nothing goes upstream.
    Reply(Reply),
}

/// Changes to a request that goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forward {
    /// Headers to remove, before any is set.
    pub remove: Vec<String>,
    /// Headers to set, in place of any of that name.
    pub set: Vec<(String, String)>,
    /// The body in place of the one that came.
    pub body: Option<Vec<u8>>,
    /// Whether headers changed that routes may match on.
    pub reroute: bool,
}

/// An answer of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Headers of the answer.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: String,
    /// A word for the gateway's log, as `pointsman_quota`.
    pub detail: &'static str,
}

/// Changes to the headers of a response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseHeaders {
    /// Headers to remove.
    pub remove: Vec<String>,
    /// Headers to set.
    pub set: Vec<(String, String)>,
}

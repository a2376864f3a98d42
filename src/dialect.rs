//! The APIs that LLM clients speak: which path is which, and what each knows how to do.
//!
//! A dialect reads a request into a [`Request`], says where a response reports its usage, and words an error as that API does. Wire forms
//! stay in the dialects' files; nothing here knows a gateway or a policy.

mod anthropic;
mod bedrock;
mod cohere;
mod endpoint;
mod fields;
mod gemini;
mod messages;
mod ollama;
mod openai_chat;
mod openai_completions;
mod openai_embeddings;
mod openai_error;
mod openai_responses;

use crate::estimate::{IMAGE_TOKENS, MESSAGE_TOKENS, TextBytes};
use crate::json::JsonError;
use crate::prompt::Prompt;
use crate::splice::Edit;
use crate::usage::{Convention, Field};
use core::ops::Range;

pub use endpoint::Endpoint;

/// An API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// OpenAI chat completions, and the servers that are compatible with it.
    OpenAiChat,
    /// OpenAI's legacy completions.
    OpenAiCompletions,
    /// OpenAI Responses.
    OpenAiResponses,
    /// OpenAI embeddings.
    OpenAiEmbeddings,
    /// Anthropic Messages.
    AnthropicMessages,
    /// Gemini `generateContent` and `streamGenerateContent`.
    Gemini,
    /// Cohere chat, version 2.
    CohereChat,
    /// Ollama `/api/chat`.
    OllamaChat,
    /// Ollama `/api/generate`.
    OllamaGenerate,
    /// Amazon Bedrock `converse` and `converse-stream`.
    BedrockConverse,
}

/// What the core needs of a request.
#[derive(Clone, Debug, Default)]
pub struct Request<'a> {
    /// The model that the client named in the body; None when it named none there.
    pub model: Option<String>,
    /// Where values of `model` stand in the body, quotes included; more than one when the key stands twice.
    pub model_spans: Vec<Range<usize>>,
    /// Where a member can be inserted, and whether another one follows.
    pub insert: Insert,
    /// Whether the client asked for a stream.
    pub stream: bool,
    /// What to change so that a stream reports its usage; empty when the API does so anyway or the client asked for that itself.
    pub ask_usage: Vec<Edit>,
    /// The most output tokens that the client accepts, all choices together.
    pub cap: Option<u64>,
    /// The turns.
    pub prompt: Prompt<'a>,
    /// Size of what the model will read.
    pub size: Size,
}

/// Where a member can be put into an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Insert {
    /// The offset after the opening brace.
    pub at: usize,
    /// Whether the object is empty, so that no comma may follow.
    pub empty: bool,
}

impl Insert {
    /// The edit that inserts `member`, as `"name":value`.
    pub fn edit(self, member: &str) -> Edit {
        let comma = if self.empty { "" } else { "," };
        Edit { span: self.at..self.at, text: format!("{member}{comma}") }
    }
}

/// Size of a request's input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Text of all turns, tools and instructions.
    pub text: TextBytes,
    /// Messages.
    pub messages: u64,
    /// Images and other parts that are no text.
    pub media: u64,
    /// Input that came as token ids.
    pub ids: u64,
}

impl Size {
    /// Input tokens, estimated.
    pub fn tokens(&self) -> u64 {
        let framing = self.messages.saturating_mul(MESSAGE_TOKENS);
        self.text.tokens() + framing + self.media.saturating_mul(IMAGE_TOKENS) + self.ids
    }
}

/// An error of ours, to be worded by a dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError<'a> {
    /// The HTTP status.
    pub status: u16,
    /// What happened, what was expected and what to do, in a sentence.
    pub message: &'a str,
    /// OpenAI's class of the error; None for what the status usually has.
    pub kind: Option<&'a str>,
    /// The field at fault.
    pub param: Option<&'a str>,
    /// A code for programs.
    pub code: Option<&'a str>,
}

/// Where a response reports a count: the names on the way, `*` for an element.
pub type UsagePath = (&'static [&'static str], Field);

/// What a dialect's file provides.
struct Api {
    /// The name in a policy.
    name: &'static str,
    /// Reads a request body.
    read: for<'a> fn(&'a str) -> Result<Request<'a>, JsonError>,
    /// Where a response body, an event, a line or a frame reports usage.
    usage: &'static [UsagePath],
    /// How the reported counts relate.
    convention: Convention,
    /// Words an error.
    error: fn(&ApiError<'_>) -> String,
    /// Whether a model may be chosen by the prompt's domain.
    routed: bool,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Dialect; 10] = [
        Dialect::OpenAiChat,
        Dialect::OpenAiCompletions,
        Dialect::OpenAiResponses,
        Dialect::OpenAiEmbeddings,
        Dialect::AnthropicMessages,
        Dialect::Gemini,
        Dialect::CohereChat,
        Dialect::OllamaChat,
        Dialect::OllamaGenerate,
        Dialect::BedrockConverse,
    ];

    fn api(self) -> &'static Api {
        match self {
            Dialect::OpenAiChat => &openai_chat::API,
            Dialect::OpenAiCompletions => &openai_completions::API,
            Dialect::OpenAiResponses => &openai_responses::API,
            Dialect::OpenAiEmbeddings => &openai_embeddings::API,
            Dialect::AnthropicMessages => &anthropic::API,
            Dialect::Gemini => &gemini::API,
            Dialect::CohereChat => &cohere::API,
            Dialect::OllamaChat => &ollama::CHAT,
            Dialect::OllamaGenerate => &ollama::GENERATE,
            Dialect::BedrockConverse => &bedrock::API,
        }
    }

    /// The name in a policy.
    pub fn name(self) -> &'static str {
        self.api().name
    }

    /// Reads a request body.
    pub fn read<'a>(self, body: &'a str) -> Result<Request<'a>, JsonError> {
        (self.api().read)(body)
    }

    /// Where a response body, an event of a stream, a line or a frame reports usage.
    pub fn usage_paths(self) -> &'static [UsagePath] {
        self.api().usage
    }

    /// How the reported counts relate.
    pub fn convention(self) -> Convention {
        self.api().convention
    }

    /// Whether a model may be chosen by the prompt's domain. Vectors of one embedding model mean nothing to another, so embeddings keep theirs.
    pub fn is_routed(self) -> bool {
        self.api().routed
    }

    /// Words an error as the API does.
    pub fn error(self, error: &ApiError<'_>) -> String {
        (self.api().error)(error)
    }
}

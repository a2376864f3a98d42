//! Lists of messages, which nearly all APIs have: a role, and content that is a string or parts of which some hold text.

use super::Request;
use super::fields::{Done, counted, text, wrong_type};
use crate::json::{JsonError, Kind, Scanner};
use crate::prompt::{Role, Turn};

/// How an API writes its messages, with the fields' names for errors.
pub(super) struct Shape {
    /// The list.
    pub list: &'static str,
    /// A message.
    pub item: &'static str,
    /// Its role.
    pub role: &'static str,
    /// The member that holds the content.
    pub content_key: &'static str,
    /// The content.
    pub content: &'static str,
    /// A part of it.
    pub part: &'static str,
    /// The text of a part.
    pub part_text: &'static str,
    /// Who speaks when a message names no role.
    pub default_role: Role,
}

pub(super) const MESSAGES: Shape = Shape {
    list: "messages",
    item: "messages[]",
    role: "messages[].role",
    content_key: "content",
    content: "messages[].content",
    part: "messages[].content[]",
    part_text: "messages[].content[].text",
    default_role: Role::Other,
};

/// Members of a part or message that are one piece of media: counted and passed over.
const MEDIA: [&str; 12] = [
    "image_url",
    "input_audio",
    "file",
    "image",
    "audio",
    "video",
    "inlineData",
    "inline_data",
    "fileData",
    "file_data",
    "file_id",
    "file_url",
];
/// Members of a part or message that the model reads although nobody says them. Pictures among them are told by what they look like.
const COUNTED: [&str; 25] = [
    "tool_calls",
    "function_call",
    "input",
    "content",
    "output",
    "arguments",
    "toolUse",
    "toolResult",
    "functionCall",
    "functionResponse",
    "function_response",
    "executableCode",
    "executable_code",
    "codeExecutionResult",
    "code_execution_result",
    "thinking",
    "reasoningContent",
    "reasoning_content",
    "reasoning",
    "document",
    "searchResult",
    "citationsContent",
    "tool_plan",
    "summary",
    "title",
];

/// Reads the whole list. A second list in the same body replaces the first.
pub(super) fn read<'a>(s: &mut Scanner<'a>, shape: &Shape, request: &mut Request<'a>) -> Done {
    if s.kind()? != Kind::Array {
        return wrong_type(s, shape.list, "an array");
    }
    request.prompt.forget_turns();
    s.array(|s| {
        if s.kind()? != Kind::Object {
            return wrong_type(s, shape.item, "an object");
        }
        message(s, shape, request)
    })
}

/// Reads one message.
pub(super) fn message<'a>(s: &mut Scanner<'a>, shape: &Shape, request: &mut Request<'a>) -> Done {
    request.size.messages += 1;
    let (mut speaker, mut turn) = (shape.default_role, Turn::default());
    s.object(|s, key| {
        if key.is("role") {
            speaker = role(s, shape)?;
            Ok(())
        } else if key.is(shape.content_key) {
            turn = Turn::default();
            content(s, shape, &mut turn, request)
        } else {
            passed_over(s, key.raw, request)
        }
    })?;
    request.prompt.push(speaker, turn);
    Ok(())
}

fn role(s: &mut Scanner<'_>, shape: &Shape) -> Result<Role, JsonError> {
    let Some(name) = text(s, shape.role, "a string")? else {
        return Ok(shape.default_role);
    };
    Ok(if name.is("user") {
        Role::User
    } else if name.is("system") || name.is("developer") {
        Role::Instructions
    } else {
        Role::Other
    })
}

/// A string, an array of parts, a single part, or null (as in messages that only call tools).
pub(super) fn content<'a>(s: &mut Scanner<'a>, shape: &Shape, turn: &mut Turn<'a>, request: &mut Request<'a>) -> Done {
    match s.kind()? {
        Kind::String => {
            let text = s.string()?;
            request.size.text.add(text.raw);
            turn.push(text);
            Ok(())
        }
        Kind::Null => s.skip().map(|_| ()),
        Kind::Object => part(s, shape, turn, request),
        Kind::Array => s.array(|s| match s.kind()? {
            Kind::Object => part(s, shape, turn, request),
            Kind::String => content(s, shape, turn, request),
            _ => wrong_type(s, shape.part, "an object"),
        }),
        _ => wrong_type(s, shape.content, "a string or an array of parts"),
    }
}

/// A part: text is read; calls and results of tools, images, audio and files are counted.
fn part<'a>(s: &mut Scanner<'a>, shape: &Shape, turn: &mut Turn<'a>, request: &mut Request<'a>) -> Done {
    let (mut said, mut thought) = (None, false);
    s.object(|s, key| {
        if key.is("text") || key.is("refusal") {
            said = text(s, shape.part_text, "a string")?;
            Ok(())
        } else if key.is("guardContent") {
            guarded(s, shape, turn, request)
        } else if key.is("thought") {
            thought = s.kind()? == Kind::Bool && s.bool()?;
            Ok(())
        } else {
            passed_over(s, key.raw, request)
        }
    })?;
    if let Some(said) = said {
        request.size.text.add(said.raw);
        if !thought {
            turn.push(said);
        }
    }
    Ok(())
}

/// Text that a guard is to look at, in Bedrock's form: the user's own words.
fn guarded<'a>(s: &mut Scanner<'a>, shape: &Shape, turn: &mut Turn<'a>, request: &mut Request<'a>) -> Done {
    if s.kind()? != Kind::Object {
        return Ok(());
    }
    s.object(|s, key| match (key.is("text"), s.kind()?) {
        (true, Kind::Object) => part(s, shape, turn, request),
        _ => passed_over(s, key.raw, request),
    })
}

fn passed_over(s: &mut Scanner<'_>, key: &str, request: &mut Request<'_>) -> Done {
    match (key, s.kind()?) {
        (_, Kind::Null) => Ok(()),
        ("source", Kind::Object) => source(s, request),
        ("document", Kind::Object) if is_stored(s)? => {
            request.size.media += 1;
            Ok(())
        }
        ("source", _) => counted(s, &mut request.size),
        ("images", Kind::Array) => s.array(|_| {
            request.size.media += 1;
            Ok(())
        }),
        _ if MEDIA.contains(&key) => {
            request.size.media += 1;
            Ok(())
        }
        _ if COUNTED.contains(&key) => counted(s, &mut request.size),
        _ => Ok(()),
    }
}

/// Whether a document, in Bedrock's form, is bytes or lies in a bucket, and is no text that stands there.
fn is_stored(s: &Scanner<'_>) -> Result<bool, JsonError> {
    let (mut ahead, mut stored) = (s.clone(), false);
    ahead.object(|s, key| {
        if key.is("source") && s.kind()? == Kind::Object {
            return s.object(|_, key| {
                stored |= key.is("bytes") || key.is("s3Location");
                Ok(())
            });
        }
        Ok(())
    })?;
    Ok(stored)
}

/// Where a part's content comes from, in Anthropic's form: text that stands there, or one piece of media.
fn source(s: &mut Scanner<'_>, request: &mut Request<'_>) -> Done {
    let mut ahead = s.clone();
    let mut is_text = false;
    ahead.object(|s, key| {
        if key.is("type") && s.kind()? == Kind::String {
            let kind = s.string()?;
            is_text = kind.is("text") || kind.is("content");
        }
        Ok(())
    })?;
    if is_text {
        return counted(s, &mut request.size);
    }
    request.size.media += 1;
    Ok(())
}

/// Instructions that stand beside the list: a string, parts, or an object that holds parts.
pub(super) fn instructions<'a>(s: &mut Scanner<'a>, shape: &Shape, request: &mut Request<'a>) -> Done {
    let mut turn = Turn::default();
    if s.kind()? == Kind::Object {
        s.object(|s, key| if key.is(shape.content_key) { content(s, shape, &mut turn, request) } else { Ok(()) })?;
    } else {
        content(s, shape, &mut turn, request)?;
    }
    request.prompt.instruct(turn);
    Ok(())
}

/// Input that is not a conversation: a string, several, or token ids. Returns how many prompts there are.
pub(super) fn plain<'a>(
    s: &mut Scanner<'a>,
    field: &'static str,
    expected: &'static str,
    request: &mut Request<'a>,
) -> Result<u64, JsonError> {
    let (mut turn, mut prompts, mut ids) = (Turn::default(), 0, 0);
    match s.kind()? {
        Kind::String => {
            prompts = 1;
            said(s, &mut turn, request)?;
        }
        Kind::Array => s.array(|s| match s.kind()? {
            Kind::String => {
                prompts += 1;
                said(s, &mut turn, request)
            }
            Kind::Number => {
                ids += 1;
                Ok(())
            }
            // Token ids of several prompts.
            Kind::Array => {
                prompts += 1;
                s.array(|_| {
                    request.size.ids += 1;
                    Ok(())
                })
            }
            // Inputs of several kinds, as some servers of embeddings take them.
            Kind::Object => {
                prompts += 1;
                counted(s, &mut request.size)
            }
            _ => wrong_type(s, field, expected),
        })?,
        _ => return wrong_type(s, field, expected),
    }
    request.size.ids += ids;
    request.prompt.forget_turns();
    request.prompt.push(Role::User, turn);
    Ok(prompts.max(1))
}

fn said<'a>(s: &mut Scanner<'a>, turn: &mut Turn<'a>, request: &mut Request<'a>) -> Done {
    let text = s.string()?;
    request.size.text.add(text.raw);
    turn.push(text);
    Ok(())
}

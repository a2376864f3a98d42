//! Lists of messages, which nearly all APIs have: a role, and content that is a string or parts of which some hold text.

use super::Request;
use super::fields::{Done, counted, text, wrong_type};
use crate::json::{JsonError, Kind, Scanner};
use crate::prompt::{Prompt, Role, Turn};

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

/// Members of a part or message that are media: counted and passed over.
const MEDIA: [&str; 15] = [
    "image_url",
    "input_audio",
    "file",
    "source",
    "image",
    "audio",
    "video",
    "document",
    "inlineData",
    "inline_data",
    "fileData",
    "file_data",
    "file_id",
    "file_url",
    "images",
];
/// Members of a part or message that the model reads although nobody says them.
const COUNTED: [&str; 16] = [
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
    "codeExecutionResult",
    "thinking",
    "reasoningContent",
    "reasoning_content",
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

fn passed_over(s: &mut Scanner<'_>, key: &str, request: &mut Request<'_>) -> Done {
    if MEDIA.contains(&key) && s.kind()? != Kind::Null {
        request.size.media += 1;
        Ok(())
    } else if COUNTED.contains(&key) {
        counted(s, &mut request.size)
    } else {
        Ok(())
    }
}

/// Instructions that stand beside the list: a string, parts, or an object that holds parts.
pub(super) fn instructions<'a>(s: &mut Scanner<'a>, shape: &Shape, request: &mut Request<'a>) -> Done {
    let mut turn = Turn::default();
    if s.kind()? == Kind::Object {
        s.object(|s, key| if key.is(shape.content_key) { content(s, shape, &mut turn, request) } else { Ok(()) })?;
    } else {
        content(s, shape, &mut turn, request)?;
    }
    request.prompt.push(Role::Instructions, turn);
    Ok(())
}

/// A prompt that is not a conversation: a string, or several.
pub(super) fn plain<'a>(s: &mut Scanner<'a>, field: &'static str, expected: &'static str, request: &mut Request<'a>) -> Done {
    let mut turn = Turn::default();
    match s.kind()? {
        Kind::String => said(s, &mut turn, request)?,
        Kind::Array => s.array(|s| match s.kind()? {
            Kind::String => said(s, &mut turn, request),
            Kind::Number => {
                request.size.ids += 1;
                Ok(())
            }
            // Token ids of several prompts.
            Kind::Array => s.array(|_| {
                request.size.ids += 1;
                Ok(())
            }),
            _ => wrong_type(s, field, expected),
        })?,
        _ => return wrong_type(s, field, expected),
    }
    request.prompt = Prompt::default();
    request.prompt.push(Role::User, turn);
    Ok(())
}

fn said<'a>(s: &mut Scanner<'a>, turn: &mut Turn<'a>, request: &mut Request<'a>) -> Done {
    let text = s.string()?;
    request.size.text.add(text.raw);
    turn.push(text);
    Ok(())
}

//! Ollama: `POST /api/chat` and `/api/generate`. Answers stream as lines of JSON unless the client says otherwise; the last line reports usage.

use super::fields::{Done, body, count, counted, flag, model, text as string, wrong_type};
use super::messages::{self, MESSAGES};
use super::{Api, ApiError, Request, UsagePath};
use crate::json::{JsonError, Kind, RawStr, Scanner, push_quoted};
use crate::prompt::{Role, Turn};
use crate::usage::{Convention, Field};

pub(super) const CHAT: Api = Api {
    name: "ollama_chat",
    read: read_chat,
    usage: USAGE,
    convention: Convention { cache_is_extra: false, reasoning_is_extra: false },
    error,
    routed: true,
};

pub(super) const GENERATE: Api = Api { name: "ollama_generate", read: read_generate, ..CHAT };

const USAGE: &[UsagePath] = &[(&["prompt_eval_count"], Field::Input), (&["eval_count"], Field::Output)];

fn read_chat(text: &str) -> Result<Request<'_>, JsonError> {
    let mut request = Request { stream: true, ..Request::default() };
    body(
        text,
        &mut request,
        |s, key, request| {
            if key.is("messages") { messages::read(s, &MESSAGES, request) } else { common(s, key, request) }
        },
    )?;
    Ok(request)
}

fn read_generate(text: &str) -> Result<Request<'_>, JsonError> {
    let mut request = Request { stream: true, ..Request::default() };
    let mut system = None;
    body(text, &mut request, |s, key, request| {
        if key.is("prompt") {
            if let Some(prompt) = string(s, "prompt", "a string")? {
                let mut turn = Turn::default();
                turn.push(prompt);
                request.size.text.add(prompt.raw);
                request.prompt.forget_turns();
                request.prompt.push(Role::User, turn);
            }
            Ok(())
        } else if key.is("system") {
            system = string(s, "system", "a string")?;
            Ok(())
        } else if key.is("images") {
            match s.kind()? {
                Kind::Array => s.array(|_| {
                    request.size.media += 1;
                    Ok(())
                }),
                _ => Ok(()),
            }
        } else {
            common(s, key, request)
        }
    })?;
    if let Some(system) = system {
        let mut turn = Turn::default();
        turn.push(system);
        request.size.text.add(system.raw);
        request.prompt.instruct(turn);
    }
    Ok(request)
}

fn common<'a>(s: &mut Scanner<'a>, key: RawStr<'a>, request: &mut Request<'a>) -> Done {
    if key.is("model") {
        model(s, request)
    } else if key.is("stream") {
        request.stream = flag(s, "stream")?.unwrap_or(true);
        Ok(())
    } else if key.is("tools") {
        counted(s, &mut request.size)
    } else if key.is("options") {
        options(s, request)
    } else {
        Ok(())
    }
}

fn options(s: &mut Scanner<'_>, request: &mut Request<'_>) -> Done {
    match s.kind()? {
        Kind::Null => return s.skip().map(|_| ()),
        Kind::Object => {}
        _ => return wrong_type(s, "options", "an object"),
    }
    s.object(|s, key| {
        if key.is("num_predict") {
            request.cap = count(s, "options.num_predict")?;
        }
        Ok(())
    })
}

fn error(error: &ApiError<'_>) -> String {
    let mut out = String::from("{\"error\":");
    push_quoted(error.message, &mut out);
    out.push('}');
    out
}

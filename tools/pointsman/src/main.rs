//! The `pointsman` command: what the module would do, seen from a shell.

#![allow(clippy::disallowed_methods)] // A command reads files, arguments and the time; the core does not.

mod check;
mod eval;
mod explain;

use pointsman::model::Model;
use std::collections::BTreeMap;
use std::io::{Read, Write, stdout};
use std::process::ExitCode;

/// The model that ships.
static WEIGHTS: &[u8] = include_bytes!("../../../models/weights.safetensors");

const USAGE: &str = "usage:
  pointsman check POLICY                          reads a policy as the module would, and says what to know about it
  pointsman explain POLICY [REQUEST] [--path PATH] [--header 'NAME: VALUE']…
                                                  what the module would do with a request body (standard input without REQUEST)
  pointsman eval [--threshold X] FILE…            how often the classifier is right on labelled text";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("pointsman: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<(), String> {
    let (command, rest) = arguments.split_first().ok_or(USAGE)?;
    match command.as_str() {
        "check" => check(rest),
        "explain" => explain(rest),
        "eval" => stdout().write_all(eval::run(&model()?, rest)?.as_bytes()).map_err(|error| error.to_string()),
        "help" | "--help" | "-h" => writeln!(stdout(), "{USAGE}").map_err(|error| error.to_string()),
        other => Err(format!("there is no command '{other}'\n{USAGE}")),
    }
}

fn model() -> Result<Model, String> {
    Model::load(WEIGHTS).map_err(|error| error.to_string())
}

fn file(name: &str) -> Result<Vec<u8>, String> {
    std::fs::read(name).map_err(|error| format!("{name}: {error}"))
}

fn check(arguments: &[String]) -> Result<(), String> {
    let [name] = arguments else {
        return Err(USAGE.into());
    };
    check::run(&file(name)?, model()?.labels(), &mut stdout()).map_err(|error| format!("{name}: {error}"))
}

fn explain(arguments: &[String]) -> Result<(), String> {
    let (mut files, mut path, mut headers) = (Vec::new(), "/v1/chat/completions".to_owned(), BTreeMap::new());
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--path" => path = rest.next().ok_or("--path: expected a path after it")?.clone(),
            "--header" => {
                let (name, value) =
                    rest.next().and_then(|header| header.split_once(':')).ok_or("--header: expected 'NAME: VALUE' after it")?;
                headers.insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
            }
            _ => files.push(argument),
        }
    }
    let (policy, body) = match files.as_slice() {
        [policy, body] => (policy, file(body)?),
        [policy] => {
            let mut body = Vec::new();
            std::io::stdin().read_to_end(&mut body).map_err(|error| format!("standard input: {error}"))?;
            (policy, body)
        }
        _ => return Err(USAGE.into()),
    };
    let model = model()?;
    let policy = pointsman::config::read(&file(policy)?, model.labels()).map_err(|error| format!("{policy}: {error}"))?;
    explain::run(policy, model, &explain::Asked { path, headers, body }, &mut stdout()).map_err(|error| error.to_string())
}

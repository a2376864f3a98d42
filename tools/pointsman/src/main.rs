//! The `pointsman` command.

mod eval;

use pointsman::model::Model;
use std::process::ExitCode;

/// The model that ships.
static WEIGHTS: &[u8] = include_bytes!("../../../models/weights.safetensors");

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.split_first() {
        Some((command, rest)) if command == "eval" => {
            Model::load(WEIGHTS).map_err(|error| error.to_string()).and_then(|model| eval::run(&model, rest))
        }
        _ => Err("usage: pointsman eval [--threshold X] FILE…".into()),
    };
    match done {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("pointsman: {message}");
            ExitCode::FAILURE
        }
    }
}

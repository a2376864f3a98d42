//! The classifier: weights and a text in, probabilities out, computed by tract's plan.
//!
//! This and the files below it are the only ones that name tract. The weights are borrowed, so the table lies once in memory. Nothing is
//! kept between two texts. A file that does not fit is refused with what was expected and found; no file makes it panic.

mod file;
mod ops;
mod table;

use crate::domain::Scores;
use crate::tokens::{Features, SCRIPT_NAMES};
use file::File;
use std::sync::Arc;
use table::Table;
use tract_core::internal::TypedSimplePlan;

/// A text with fewer letters than this is not judged by its script.
const FEW_LETTERS: u32 = 4;
/// A text with fewer features than this is not judged by the share of them that the table knows: one rare word decides it.
const FEW_FEATURES: u32 = 40;

/// Why a model could not be loaded or run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelError {
    /// The bytes are no safetensors file, or a cut or damaged one.
    NotSafetensors {
        /// How many bytes there are.
        bytes: usize,
        /// What the reader found.
        reason: String,
    },
    /// The file's metadata lacks an entry.
    NoMetadata {
        /// The entry.
        key: &'static str,
    },
    /// An entry of the metadata is not what this version reads.
    Metadata {
        /// The entry.
        key: &'static str,
        /// What it must be.
        expected: String,
        /// What it is, cut to 80 characters.
        found: String,
    },
    /// The file lacks a tensor.
    NoTensor {
        /// Its name.
        name: &'static str,
    },
    /// A tensor's type, shape or contents do not fit.
    Tensor {
        /// Its name.
        name: &'static str,
        /// What it must be.
        expected: String,
        /// Its type and shape.
        found: String,
    },
    /// The engine refused the graph or failed to run it.
    Engine {
        /// What it says.
        reason: String,
    },
}

impl core::fmt::Display for ModelError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            ModelError::NotSafetensors { bytes, reason } => {
                write!(f, "the model ({bytes} bytes) is not a whole safetensors file: {reason}")
            }
            ModelError::NoMetadata { key } => write!(f, "the model's metadata has no '{key}'"),
            ModelError::Metadata { key, expected, found } => {
                write!(f, "'{key}' in the model's metadata must be {expected}, but '{found}' was found")
            }
            ModelError::NoTensor { name } => write!(f, "the model has no tensor '{name}'"),
            ModelError::Tensor { name, expected, found } => {
                write!(f, "tensor '{name}' of the model must be {expected}, but {found} was found")
            }
            ModelError::Engine { reason } => write!(f, "the model could not be run: {reason}"),
        }
    }
}

impl std::error::Error for ModelError {}

/// A loaded classifier.
#[derive(Clone, Debug)]
pub struct Model {
    labels: Vec<String>,
    threshold: f32,
    floors: [Option<f32>; SCRIPT_NAMES.len()],
    table: Table,
    plan: Arc<TypedSimplePlan>,
}

impl Model {
    /// Reads weights from the bytes of a safetensors file, which stay where they are.
    pub fn load(weights: &'static [u8]) -> Result<Model, ModelError> {
        let file = File::read(weights)?;
        Ok(Model {
            labels: file.labels,
            threshold: file.threshold,
            floors: file.floors,
            table: Table::new(file.fingerprints),
            plan: ops::plan(file.weights).map_err(engine)?,
        })
    }

    /// The labels, in the order of the scores.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The probability from which a label is worth acting on, chosen on validation data.
    pub fn threshold(&self) -> f32 {
        self.threshold
    }

    /// Scores a text, of which the first [`crate::tokens::LIMIT`] bytes count. A text without features that the table knows gets zeros.
    pub fn classify(&self, text: &str) -> Result<Scores, ModelError> {
        let features = Features::of(text);
        let found = self.table.find(&features.hashes);
        let mut scores = Scores {
            known: found.known,
            features: features.hashes.len() as u32,
            foreign: self.is_foreign(&features, found.known),
            ..Scores::default()
        };
        if found.rows.is_empty() {
            scores.probabilities.resize(self.labels.len(), 0.0);
            return Ok(scores);
        }
        for probability in ops::run(&self.plan, &found.rows).map_err(engine)? {
            scores.probabilities.try_push(probability);
        }
        Ok(scores)
    }

    /// The ids of a text: distinct rows of the table, sorted. For tests that compare two implementations.
    pub fn ids(&self, text: &str) -> Vec<i32> {
        let mut rows = self.table.find(&Features::of(text).hashes).rows;
        rows.sort_unstable();
        rows
    }

    /// Whether training did not cover the script of a text, or, as far as its features tell, the language.
    fn is_foreign(&self, features: &Features, known: u32) -> bool {
        let Some((script, letters)) = features.scripts.main() else { return false };
        if letters < FEW_LETTERS {
            return false;
        }
        let Some(floor) = self.floors.get(script).copied().flatten() else { return true };
        let all = features.hashes.len() as u32;
        all >= FEW_FEATURES && (known as f32) < floor * all as f32
    }
}

fn engine(error: tract_core::internal::TractError) -> ModelError {
    // The alternate form gives the whole chain of causes in one line.
    ModelError::Engine { reason: format!("{error:#}") }
}

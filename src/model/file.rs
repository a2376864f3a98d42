//! A model file, read and checked: safetensors, whose metadata says what the numbers mean.
//!
//! Everything that can be wrong with a file is found here, before it is used; nothing is copied but the few small matrices.

use super::ModelError;
use super::ops::{LANES, Matrix, Weights};
use super::table::BUCKET;
use crate::domain::MAX_LABELS;
use crate::tokens::{SCHEME, SCRIPT_NAMES};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

/// The version of the format that this code reads.
pub const VERSION: &str = "1";

/// A file, taken apart.
pub struct File {
    pub labels: Vec<String>,
    pub threshold: f32,
    /// For each of [`SCRIPT_NAMES`] that training covered, the least share of a text's features, 0 to 1, that the table knows in the
    /// languages that it covered; `None` for the other scripts.
    pub floors: [Option<f32>; SCRIPT_NAMES.len()],
    pub fingerprints: &'static [u8],
    pub weights: Weights,
}

impl File {
    pub fn read(bytes: &'static [u8]) -> Result<File, ModelError> {
        let not_a_file =
            |error: safetensors::SafeTensorError| ModelError::NotSafetensors { bytes: bytes.len(), reason: error.to_string() };
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(not_a_file)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(not_a_file)?;
        let meta = Metadata(header.metadata().iter().flatten().map(|(key, value)| (key.as_str(), value.as_str())).collect());
        meta.exactly("version", VERSION)?;
        meta.exactly("features", SCHEME)?;
        let labels = meta.labels()?;

        let fingerprints = tensor(&tensors, "fingerprints", Dtype::U8, &[None])?;
        let [rows] = *fingerprints.shape() else { return Err(shape("fingerprints", "[rows]", &fingerprints)) };
        if rows == 0 || rows % BUCKET != 0 || i32::try_from(rows).is_err() {
            return Err(shape("fingerprints", "a multiple of 4 that fits 31 bits", &fingerprints));
        }
        let table = tensor(&tensors, "table", Dtype::U8, &[Some(rows), None])?;
        let [_, stride] = *table.shape() else { return Err(shape("table", "[rows, width / 2]", &table)) };
        if stride == 0 || stride % LANES != 0 {
            return Err(shape("table", "[rows, a multiple of 8]", &table));
        }
        let width = 2 * stride;
        let hidden = matrix(&tensors, "hidden", width, None)?;
        let output = matrix(&tensors, "output", hidden.outputs + width, Some(labels.len()))?;
        Ok(File {
            threshold: meta.number("threshold", 0.0, 1.0)?,
            floors: meta.floors()?,
            fingerprints: fingerprints.data(),
            weights: Weights {
                table: table.data(),
                width,
                scale: meta.number("scale", f32::MIN_POSITIVE, 1.0)?,
                power: meta.number("power", 0.0, 1.0)?,
                hidden,
                output,
                temperature: meta.number("temperature", 0.01, 100.0)?,
            },
            labels,
        })
    }
}

/// The text entries of the header; a dozen, so a list is as good as a map.
struct Metadata<'a>(Vec<(&'a str, &'a str)>);

impl Metadata<'_> {
    fn text(&self, key: &'static str) -> Result<&str, ModelError> {
        let entry = self.0.iter().find(|(name, _)| *name == key);
        entry.map(|(_, value)| *value).ok_or(ModelError::NoMetadata { key })
    }

    fn exactly(&self, key: &'static str, expected: &'static str) -> Result<(), ModelError> {
        let found = self.text(key)?;
        if found == expected { Ok(()) } else { Err(metadata(key, expected, found)) }
    }

    fn number(&self, key: &'static str, least: f32, most: f32) -> Result<f32, ModelError> {
        let found = self.text(key)?;
        match found.parse::<f32>() {
            Ok(number) if number >= least && number <= most => Ok(number),
            _ => Err(metadata(key, &format!("a number from {least} to {most}"), found)),
        }
    }

    fn labels(&self) -> Result<Vec<String>, ModelError> {
        let found = self.text("labels")?;
        match serde_json::from_str::<Vec<String>>(found) {
            Ok(labels) if (2..=MAX_LABELS).contains(&labels.len()) => Ok(labels),
            _ => Err(metadata("labels", &format!("a JSON list of 2 to {MAX_LABELS} names"), found)),
        }
    }

    /// `name:floor` for each script that training covered, with commas between them.
    fn floors(&self) -> Result<[Option<f32>; SCRIPT_NAMES.len()], ModelError> {
        let found = self.text("scripts")?;
        let wrong = || metadata("scripts", &format!("name:floor with names out of {}", SCRIPT_NAMES.join(",")), found);
        let mut floors = [None; SCRIPT_NAMES.len()];
        for entry in found.split(',') {
            let (name, floor) = entry.split_once(':').ok_or_else(wrong)?;
            let floor: f32 = floor.parse().map_err(|_| wrong())?;
            let script = SCRIPT_NAMES.iter().position(|&known| known == name).ok_or_else(wrong)?;
            let slot = floors.get_mut(script).ok_or_else(wrong)?;
            if !(0.0..=1.0).contains(&floor) {
                return Err(wrong());
            }
            *slot = Some(floor);
        }
        Ok(floors)
    }
}

/// A tensor of a type and a shape, in which `None` stands for any length.
fn tensor(
    tensors: &SafeTensors<'static>,
    name: &'static str,
    dtype: Dtype,
    dims: &[Option<usize>],
) -> Result<TensorView<'static>, ModelError> {
    let view = tensors.tensor(name).map_err(|_| ModelError::NoTensor { name })?;
    let fits =
        view.shape().len() == dims.len() && view.shape().iter().zip(dims).all(|(&found, dim)| dim.is_none_or(|dim| dim == found));
    if view.dtype() == dtype && fits {
        return Ok(view);
    }
    let dims: Vec<String> = dims.iter().map(|dim| dim.map_or("any".into(), |dim| dim.to_string())).collect();
    Err(shape(name, &format!("{dtype:?} [{}]", dims.join(", ")), &view))
}

fn matrix(
    tensors: &SafeTensors<'static>,
    name: &'static str,
    inputs: usize,
    outputs: Option<usize>,
) -> Result<Matrix, ModelError> {
    let (weight_name, bias_name) = match name {
        "hidden" => ("hidden.weight", "hidden.bias"),
        _ => ("output.weight", "output.bias"),
    };
    let weight = tensor(tensors, weight_name, Dtype::F32, &[Some(inputs), outputs])?;
    let [_, outputs] = *weight.shape() else { return Err(shape(weight_name, "[inputs, outputs]", &weight)) };
    if outputs == 0 {
        return Err(shape(weight_name, "at least one output", &weight));
    }
    let bias = tensor(tensors, bias_name, Dtype::F32, &[Some(outputs)])?;
    Ok(Matrix { outputs, weight: floats(weight_name, &weight)?, bias: floats(bias_name, &bias)? })
}

fn floats(name: &'static str, view: &TensorView<'static>) -> Result<Vec<f32>, ModelError> {
    let numbers: Vec<f32> = view.data().as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
    if numbers.iter().all(|number| number.is_finite()) { Ok(numbers) } else { Err(shape(name, "finite numbers", view)) }
}

fn shape(name: &'static str, expected: &str, found: &TensorView<'_>) -> ModelError {
    ModelError::Tensor { name, expected: expected.into(), found: format!("{:?} {:?}", found.dtype(), found.shape()) }
}

fn metadata(key: &'static str, expected: &str, found: &str) -> ModelError {
    ModelError::Metadata { key, expected: expected.into(), found: found.chars().take(80).collect() }
}

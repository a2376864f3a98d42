//! The classifier's graph as tract sees it: four operators of our own on tract's model and plan.
//!
//! They are plain loops that the compiler vectorises, and implement only what running needs: tract's own operators bring their rewriting
//! rules and kernels with them, several MB of code for a graph that takes microseconds. Weights are checked before they come here.

use std::sync::Arc;
use tract_core::internal::*;

/// Bytes of a row that the summing kernel takes at once; a row's length is a multiple of it. Each byte holds two numbers.
pub const LANES: usize = 8;

/// Numbers of the table are stored with this added, so that four bits hold −8 to 7.
const OFFSET: i32 = 8;

/// A row-major matrix of f32, inputs × outputs, with a bias for each output.
#[derive(Debug, PartialEq)]
pub struct Matrix {
    /// Columns of `weight`.
    pub outputs: usize,
    pub weight: Vec<f32>,
    pub bias: Vec<f32>,
}

/// Sum of the table's rows at the ids, times `scale` and the number of ids to the power −`power`.
///
/// A row of the table holds `width` numbers of four bits: its low halves are the first `width / 2` numbers, its high halves the others.
#[derive(Clone, Debug)]
struct Pool {
    table: &'static [u8],
    width: usize,
    scale: f32,
    power: f32,
}

/// `max(0, x · weight + bias)`, followed by x itself: the next layer sees both.
#[derive(Clone, Debug)]
struct Hidden(Arc<Matrix>);

/// `x · weight + bias`.
#[derive(Clone, Debug)]
struct Linear(Arc<Matrix>);

/// Probabilities of logits at a temperature.
#[derive(Clone, Debug)]
struct Softmax {
    temperature: f32,
}

impl Pool {
    fn run(&self, ids: &[i32]) -> Vec<f32> {
        let stride = self.width / 2;
        let mut low = vec![[0u32; LANES]; stride / LANES];
        let mut high = low.clone();
        let mut count = 0;
        for &id in ids {
            let start = usize::try_from(id).unwrap_or(usize::MAX).saturating_mul(stride);
            let Some(row) = self.table.get(start..start.saturating_add(stride)) else { continue };
            count += 1;
            for ((low, high), part) in low.iter_mut().zip(&mut high).zip(row.as_chunks::<LANES>().0) {
                for ((low, high), &byte) in low.iter_mut().zip(high).zip(part) {
                    *low += u32::from(byte & 15);
                    *high += u32::from(byte >> 4);
                }
            }
        }
        let offset = OFFSET * count;
        let factor = self.scale * (count.max(1) as f32).powf(-self.power);
        let sums = low.as_flattened().iter().chain(high.as_flattened());
        sums.map(|&sum| (sum as i32 - offset) as f32 * factor).collect()
    }
}

impl Matrix {
    fn apply(&self, x: &[f32]) -> Vec<f32> {
        let mut out = self.bias.clone();
        for (x, row) in x.iter().zip(self.weight.chunks_exact(self.outputs)) {
            for (out, weight) in out.iter_mut().zip(row) {
                *out += x * weight;
            }
        }
        out
    }
}

impl Hidden {
    fn run(&self, x: &[f32]) -> Vec<f32> {
        let mut out = self.0.apply(x);
        for value in &mut out {
            *value = value.max(0.0);
        }
        out.extend_from_slice(x);
        out
    }
}

impl Linear {
    fn run(&self, x: &[f32]) -> Vec<f32> {
        self.0.apply(x)
    }
}

impl Softmax {
    fn run(&self, logits: &[f32]) -> Vec<f32> {
        let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut out: Vec<f32> = logits.iter().map(|logit| ((logit - top) / self.temperature).exp()).collect();
        let sum: f32 = out.iter().sum();
        for value in &mut out {
            *value /= sum;
        }
        out
    }
}

/// What tract asks of an operator with one input and one output of `f32`: its name, its output's length, and to run.
macro_rules! operator {
    ($op:ty, $name:literal, $from:ty, |$this:ident, $length:ident| $outputs:expr) => {
        // Operators are compared only when tract looks for duplicates, which never happens here: each is itself alone.
        impl PartialEq for $op {
            fn eq(&self, other: &Self) -> bool {
                std::ptr::eq(self, other)
            }
        }
        impl Eq for $op {}

        impl Op for $op {
            fn name(&self) -> StaticName {
                $name.into()
            }
            op_as_typed_op!();
        }

        impl EvalOp for $op {
            not_out_of_plan!();

            fn eval(&self, _: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
                let [input] = inputs.as_slice() else { bail!(concat!($name, " takes one input")) };
                let plain = input.try_as_plain_ram()?;
                let out = self.run(plain.as_slice::<$from>()?);
                Ok(tvec!(Tensor::from_shape(&[out.len()], &out)?.into_tvalue()))
            }
        }

        impl TypedOp for $op {
            fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
                let [input] = inputs else { bail!(concat!($name, " takes one input")) };
                let $length = input.shape.dims().first().cloned().unwrap_or_default();
                let $this = self;
                Ok(tvec!(f32::fact([$outputs])))
            }
            as_op!();
        }
    };
}

operator!(Pool, "Pool", i32, |this, _length| this.width.to_dim());
operator!(Hidden, "Hidden", f32, |this, length| length + this.0.outputs);
operator!(Linear, "Linear", f32, |this, _length| this.0.outputs.to_dim());
operator!(Softmax, "Softmax", f32, |_this, length| length);

/// The numbers of the graph, checked to fit each other.
pub struct Weights {
    pub table: &'static [u8],
    pub width: usize,
    pub scale: f32,
    pub power: f32,
    pub hidden: Matrix,
    pub output: Matrix,
    pub temperature: f32,
}

/// Ids of the table's rows, any number of them → probabilities.
pub fn plan(weights: Weights) -> TractResult<Arc<TypedSimplePlan>> {
    let mut model = TypedModel::default();
    let length = model.symbols.sym("N");
    let ids = model.add_source("ids", i32::fact([length.to_dim()]))?;
    let pool = Pool { table: weights.table, width: weights.width, scale: weights.scale, power: weights.power };
    let pooled = model.wire_node("pool", pool, &[ids])?;
    let hidden = model.wire_node("hidden", Hidden(Arc::new(weights.hidden)), &pooled)?;
    let logits = model.wire_node("output", Linear(Arc::new(weights.output)), &hidden)?;
    let softmax = Softmax { temperature: weights.temperature };
    let probabilities = model.wire_node("probabilities", softmax, &logits)?;
    model.select_output_outlets(&probabilities)?;
    TypedSimplePlan::new(model)
}

/// Runs the plan on the ids.
pub fn run(plan: &Arc<TypedSimplePlan>, ids: &[i32]) -> TractResult<Vec<f32>> {
    let input = Tensor::from_shape(&[ids.len()], ids)?;
    let outputs = plan.run(tvec!(input.into_tvalue()))?;
    let [probabilities] = outputs.as_slice() else { bail!("the plan has one output") };
    Ok(probabilities.try_as_plain_ram()?.as_slice::<f32>()?.to_vec())
}

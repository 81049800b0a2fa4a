//! The walk over the file's graph that builds the network.

use std::path::Path;

use super::import::Import;
use super::operator::Operator;
use super::proto::GraphProto;
use super::value::Value;
use super::{advice, arithmetic, constants, layers, shaping};
use crate::model::{Network, Result};

/// The network of a graph; weights in other files lie in `folder`.
pub(super) fn walk(proto: &GraphProto, folder: Option<&Path>) -> Result<Network> {
    let mut import = Import::new(proto, folder)?;
    for operator in import.order() {
        let value = read(&mut import, operator)?;
        import.define(operator, value);
    }
    import.finish()
}

fn read<'a>(import: &mut Import<'a>, operator: Operator<'a>) -> Result<Value> {
    if !advice::is_own_domain(&operator.proto.domain) {
        return Err(advice::refusal(operator));
    }
    match operator.kind() {
        "Conv" => layers::conv(import, operator),
        "Gemm" => layers::gemm(import, operator),
        "MatMul" => layers::mat_mul(import, operator),
        "BatchNormalization" => layers::batch_normalization(import, operator),
        "AveragePool" => layers::average_pool(import, operator),
        "GlobalAveragePool" => layers::global_average_pool(import, operator),
        "ReduceMean" => layers::reduce_mean(import, operator),
        "Add" | "Sub" | "Mul" | "Div" | "Sum" => arithmetic::combine(import, operator),
        "Relu" => layers::relu(import, operator),
        "Pow" => arithmetic::pow(import, operator),
        "Neg" => arithmetic::neg(import, operator),
        "Flatten" => shaping::flatten(import, operator),
        "Reshape" => shaping::reshape(import, operator),
        "Transpose" => shaping::transpose(import, operator),
        "Squeeze" | "Unsqueeze" => shaping::squeeze(import, operator),
        "Shape" => shaping::shape(import, operator),
        "Identity" => import.value(operator, 0),
        "Cast" => constants::cast(import, operator),
        "Dropout" => layers::dropout(import, operator),
        "Constant" => constants::constant(operator),
        "Gather" | "Concat" | "Slice" => constants::pick(import, operator),
        "Sqrt" | "Reciprocal" => constants::unary(import, operator),
        _ => Err(advice::refusal(operator)),
    }
}

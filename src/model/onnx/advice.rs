//! What to use in place of an operator that encrypted evaluation does not have.

use super::operator::Operator;
use crate::model::ModelError;

/// Whether a domain is that of ONNX's own operators.
pub(super) fn is_own_domain(domain: &str) -> bool {
    matches!(domain, "" | "ai.onnx")
}

/// The refusal of an operator.
pub(super) fn refusal(operator: Operator) -> ModelError {
    let own = is_own_domain(&operator.proto.domain);
    let kind = operator.kind();
    ModelError::UnsupportedOperator {
        node: operator.name.into(),
        op: if own { kind.into() } else { format!("{}.{kind}", operator.proto.domain) },
        advice: if own { advice(kind) } else { "export with ONNX's own operators only" }.into(),
    }
}

fn advice(kind: &str) -> &'static str {
    match kind {
        "LeakyRelu" | "PRelu" | "Clip" | "Sigmoid" | "HardSigmoid" | "Tanh" | "Elu" | "Selu"
        | "Celu" | "Gelu" | "Softplus" | "Softsign" | "HardSwish" | "Mish" | "Erf" | "Swish"
        | "ThresholdedRelu" | "Abs" => {
            "replace it by a polynomial activation and train on, see training/"
        }
        "MaxPool" | "GlobalMaxPool" | "LpPool" | "GlobalLpPool" => {
            "use AveragePool, or a convolution with a stride"
        }
        "Softmax" | "LogSoftmax" | "Hardmax" | "ArgMax" | "TopK" => {
            "end the model with the logits and apply it after decryption"
        }
        "Exp" | "Log" | "Sin" | "Cos" | "Sqrt" | "Reciprocal" | "Max" | "Min" | "Round"
        | "Floor" | "Ceil" => {
            "under encryption there are only sums and products: fit a polynomial to it"
        }
        "InstanceNormalization"
        | "LayerNormalization"
        | "GroupNormalization"
        | "RMSNormalization"
        | "LpNormalization"
        | "LRN" => "its statistics depend on the input; use BatchNormalization, which is linear",
        "If" | "Loop" | "Scan" | "Where" | "Greater" | "Less" | "Equal" => {
            "what is computed cannot depend on encrypted values; use a polynomial"
        }
        "Pad" => "use the padding of the convolution that follows",
        "Concat" | "Split" | "Slice" | "Gather" => {
            "branches can be joined by Add; a convolution before it can do the rest"
        }
        "LSTM" | "GRU" | "RNN" | "Attention" => {
            "only networks of convolutions, dense layers and polynomials can be evaluated"
        }
        "ConvTranspose" | "Resize" | "Upsample" => "use convolutions with a stride of 1",
        "QuantizeLinear" | "DequantizeLinear" | "QLinearConv" | "ConvInteger" | "MatMulInteger"
        | "QLinearMatMul" => {
            "export the model in float32; weights are quantized when a plan is made"
        }
        _ => "use Conv, Gemm, BatchNormalization, AveragePool, Add, Mul and polynomial activations",
    }
}

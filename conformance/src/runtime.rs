//! The ONNX runtime: tract.

use ndarray::{ArrayD, IxDyn};
use tract_onnx::prelude::*;

/// The results for inputs `[count, …]`, in `f32`.
///
/// # Errors
/// What the runtime says where it cannot run the file.
pub fn run(onnx: &[u8], inputs: &ArrayD<f32>) -> Result<ArrayD<f32>, String> {
    try_run(onnx, inputs).map_err(|e| format!("tract: {e:#}"))
}

fn try_run(mut onnx: &[u8], inputs: &ArrayD<f32>) -> TractResult<ArrayD<f32>> {
    let model = tract_onnx::onnx()
        .model_for_read(&mut onnx)?
        .with_input_fact(0, f32::fact(inputs.shape()).into())?
        .into_typed()?
        .into_runnable()?;
    let contiguous = inputs.as_standard_layout();
    let values = contiguous.as_slice().unwrap_or_default();
    let input = Tensor::from_shape(inputs.shape(), values)?;
    let results = model.run(tvec!(input.into()))?;
    let result = results[0].to_plain_array_view::<f32>()?;
    let shape = IxDyn(result.shape());
    Ok(ArrayD::from_shape_vec(shape, result.iter().copied().collect())?)
}

"""A trained network as a self-contained ONNX file, checked against PyTorch on real images."""

import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from polynomials import Polynomial, Powers

OPSET = 17


def write(network: nn.Sequential, example: Tensor, path: Path) -> None:
    """Input "images" and output "logits", the batch dimension free.

    `PRESERVE` on a network in `eval` mode keeps the BatchNormalization nodes, which `EVAL` would fold
    away: folding is the importer's job, and a file as PyTorch users have them is the better test of it.
    Polynomials are written by their coefficients, in Horner's order.
    """
    network = nn.Sequential(*(Powers(layer) if isinstance(layer, Polynomial) else layer for layer in network))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of batch normalization in a network exported with PRESERVE
        torch.onnx.export(
            network.eval(),
            (example[:1],),
            str(path),
            input_names=["images"],
            output_names=["logits"],
            dynamic_axes={"images": {0: "batch"}, "logits": {0: "batch"}},
            opset_version=OPSET,
            training=torch.onnx.TrainingMode.PRESERVE,
            do_constant_folding=False,
            dynamo=False,
        )
    onnx.checker.check_model(str(path), full_check=True)


def read(network: nn.Sequential, path: Path) -> nn.Sequential:
    """Fills the network with what `write` wrote of one like it: tensors keep their names."""
    tensors = {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in onnx.load(path).graph.initializer}
    missing, _ = network.load_state_dict(tensors, strict=False)
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing:
        raise ValueError(f"{path} lacks {', '.join(missing)}")
    return network.eval()


def run(path: Path, images: Tensor) -> np.ndarray:
    """Logits that onnxruntime computes from the file."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return session.run(["logits"], {"images": images.numpy()})[0]


def operators(path: Path) -> str:
    """How often each operator occurs in the file."""
    counts = Counter(node.op_type for node in onnx.load(path).graph.node)
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))

"""Writes the small ONNX files of tests/fixtures, with inputs and the outputs of ONNX Runtime.

    python training/fixtures.py            # needs torch, onnx, onnxscript, onnxruntime

Every case NAME becomes NAME.onnx and NAME.npy; the latter is one row per sample, the input's
entries followed by the output's, in row-major order. Refused models become refused_NAME.onnx.
"""

import argparse
import logging
import pathlib
import warnings

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

SAMPLES = 4


class Square(nn.Module):
    """a x^2 + b x + c with one trainable number or one per channel, written in one of three ways."""

    def __init__(self, way, shape=()):
        super().__init__()
        self.way = way
        start = [0.19947, 0.5, 0.19947]
        for name, value in zip("cba", start):
            noise = 0.03 * torch.randn(shape)
            setattr(self, name, nn.Parameter(value + noise))

    def forward(self, x):
        if self.way == "power":
            return self.a * x**2 + self.b * x + self.c
        if self.way == "product":
            return self.a * x * x + self.b * x + self.c
        return (self.a * x + self.b) * x + self.c


class Degree4(nn.Module):
    def forward(self, x):
        return 0.1496 + 0.5 * x + 0.29921 * x**2 - 0.016623 * x**4


class Degree6(nn.Module):
    def forward(self, x):
        y = x * x
        return ((0.0016623 * y - 0.041557) * y + 0.37401) * y + 0.5 * x + 0.12467


class Deep(nn.Module):
    """The shape of the network that the paper is about: convolution, normalization, activation."""

    def __init__(self, way="power", affine=True, channel_shape=True):
        super().__init__()
        channels = lambda c: (1, c, 1, 1) if channel_shape else ()
        self.conv1 = nn.Conv2d(1, 3, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(3, affine=affine)
        self.act1 = Square(way, channels(3))
        self.conv2 = nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(4, affine=affine)
        self.act2 = Square(way, channels(4))
        self.fc1 = nn.Linear(4 * 3 * 3, 5)
        self.bn3 = nn.BatchNorm1d(5, affine=affine)
        self.act3 = Square(way, (1, 5))
        self.fc2 = nn.Linear(5, 3)

    def forward(self, x):
        x = self.act1(self.bn1(self.conv1(x)))
        x = self.act2(self.bn2(self.conv2(x)))
        x = x.flatten(1)
        return self.fc2(self.act3(self.bn3(self.fc1(x))))


class Views(nn.Module):
    """Reshapes of every kind, dropout, identity, division, subtraction, negation."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 4, (3, 2), stride=(1, 2), groups=2, dilation=(1, 2), padding=(2, 1))
        self.pool = nn.AvgPool2d(2, stride=1, padding=1)
        self.drop = nn.Dropout(0.3)
        self.same = nn.Identity()
        self.shift = nn.Parameter(torch.randn(4, 1, 1))
        self.fc = nn.Linear(4 * 10 * 4, 3)

    def forward(self, x):
        x = self.pool(self.conv(x / 3 - 0.25))
        x = -(x - self.shift)
        x = self.same(self.drop(x))
        x = x.view(x.size(0), 4, -1).reshape(-1, 4 * 10 * 4)
        return 2 - self.fc(x)


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 2, 3, padding=1)
        self.conv2 = nn.Conv2d(2, 2, 3, padding=1)
        self.act1 = Square("horner", (2, 1, 1))
        self.act2 = Square("product")
        self.norm = nn.BatchNorm2d(2)
        self.act3 = Square("power")
        self.fc = nn.Linear(2, 3)

    def forward(self, x):
        x = self.act1(self.conv1(x))
        x = self.norm(x + self.act2(self.conv2(x)))
        return self.fc(self.act3(x).mean((2, 3)))


class Pooled(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3, padding="same")
        self.pool = nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False)
        self.last = nn.Conv2d(2, 3, 1)
        self.whole = nn.AdaptiveAvgPool2d(1)

    def forward(self, x):
        x = self.pool(self.conv(x))
        return self.whole(self.last(x * x)).flatten(1)


class Gate(nn.Module):
    def __init__(self):
        super().__init__()
        self.value = nn.Linear(4, 3)
        self.gate = nn.Linear(4, 3, bias=False)

    def forward(self, x):
        return self.value(x) * self.gate(x)


def settle(model, shape):
    """Gives batch normalization real statistics, then freezes them."""
    model.train()
    for _ in range(20):
        model(torch.randn(32, *shape))
    return model.eval()


class Writer:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def script(self, name, model, shape, opset, batch=1, dynamic=True, fold=True):
        """By the TorchScript exporter."""
        path = self.folder / f"{name}.onnx"
        torch.onnx.export(
            settle(model, shape), (torch.randn(batch, *shape),), path,
            dynamo=False, opset_version=opset, do_constant_folding=fold,
            input_names=["image"], output_names=["logits"],
            dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}} if dynamic else None,
        )
        self.expect(path, shape, None if dynamic else batch)

    def dynamo(self, name, model, shape, opset, batch=2, dynamic=True, external=False):
        """By the exporter on torch.export."""
        path = self.folder / f"{name}.onnx"
        torch.onnx.export(
            settle(model, shape), (torch.randn(batch, *shape),), path,
            dynamo=True, opset_version=opset, external_data=external, verbose=False,
            input_names=["image"], output_names=["logits"],
            dynamic_shapes=({0: torch.export.Dim("batch")},) if dynamic else None,
        )
        # Stack traces make up most of such a file and name the machine it was made on.
        proto = onnx.load(path, load_external_data=False)
        for item in [proto, proto.graph, *proto.graph.node, *proto.graph.value_info]:
            del item.metadata_props[:]
        onnx.save(proto, path)
        self.expect(path, shape, None if dynamic else batch)

    def made(self, name, nodes, weights, shape, output, opset=13, batch="batch"):
        """By hand, for what no exporter writes."""
        path = self.folder / f"{name}.onnx"
        self.save(path, nodes, weights, shape, output, opset, batch)
        self.expect(path, shape, None if batch == "batch" else batch)

    def save(self, path, nodes, weights, shape, output, opset=13, batch="batch", **graph):
        tensors = [numpy_helper.from_array(value, key) for key, value in weights.items()]
        inputs = graph.get("inputs") or [
            helper.make_tensor_value_info("image", TensorProto.FLOAT, [batch, *shape])]
        outputs = graph.get("outputs") or [
            helper.make_tensor_value_info(output, TensorProto.FLOAT, None)]
        graph = helper.make_graph(nodes, "made", inputs, outputs, tensors)
        opsets = [helper.make_opsetid("", opset), helper.make_opsetid("other", 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
        onnx.save(model, path)

    def refused(self, name, nodes, weights=None, shape=(2, 4, 4), output="y", **graph):
        self.save(self.folder / f"refused_{name}.onnx", nodes, weights or {}, shape, output, **graph)

    def expect(self, path, shape, batch):
        samples = batch or SAMPLES
        inputs = torch.randn(samples, *shape).numpy()
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        (outputs,) = session.run(None, {session.get_inputs()[0].name: inputs})
        rows = [inputs.reshape(samples, -1), outputs.reshape(samples, -1)]
        np.save(path.with_suffix(".npy"), np.concatenate(rows, axis=1).astype(np.float32))


def accepted(writer):
    image = (1, 6, 6)
    writer.script("script_power_11", Deep("power"), image, 11)
    writer.script("script_product_13", Deep("product", channel_shape=False), image, 13)
    writer.script("script_horner_18_unfolded", Deep("horner", affine=False), image, 18, fold=False)
    writer.script("script_fixed_batch_15", Deep("power"), image, 15, batch=3, dynamic=False)
    writer.script("script_views_12", Views(), (2, 7, 6), 12)
    writer.script("script_views_17_fixed", Views(), (2, 7, 6), 17, dynamic=False)
    writer.script("script_residual_14", Residual(), image, 14)
    writer.script("script_pooled_16", Pooled(), (1, 7, 6), 16)
    writer.script("script_gate_13", Gate(), (4,), 13)
    writer.script("script_degree4_13", nn.Sequential(nn.Linear(4, 4), Degree4(), nn.Linear(4, 2)), (4,), 13)
    writer.dynamo("dynamo_power_18", Deep("power"), image, 18)
    writer.dynamo("dynamo_horner_18_fixed", Deep("horner", affine=False), image, 18, dynamic=False)
    writer.dynamo("dynamo_product_20", Deep("product", channel_shape=False), image, 20)
    writer.dynamo("dynamo_views_18", Views(), (2, 7, 6), 18)
    writer.dynamo("dynamo_residual_18", Residual(), image, 18)
    writer.dynamo("dynamo_pooled_18", Pooled(), (1, 7, 6), 18)
    writer.dynamo("dynamo_gate_18", Gate(), (4,), 18)
    writer.dynamo("dynamo_degree6_18", nn.Sequential(nn.Linear(4, 4), Degree6(), nn.Linear(4, 2)), (4,), 18)
    # Only tensors above a certain size go to the second file.
    wide = nn.Sequential(nn.Linear(16, 24), Square("power", (24,)))
    writer.dynamo("dynamo_external_18", wide, (16,), 18, external=True)

    random = np.random.default_rng(0)
    real = lambda *shape: random.normal(size=shape).astype(np.float32)
    node = helper.make_node
    weights = {
        "w": real(3, 2, 3, 3), "b": real(3), "minus": np.array([-1], np.int64),
        "zero": np.array(0, np.int64), "m": real(48, 2),
        "row": real(1, 2), "axes": np.array([0], np.int64), "half": np.float16([0.5]),
    }
    # A shape computed as old exporters do, a transpose that moves nothing, other element types.
    writer.made("made_shapes", [
        node("Conv", ["image", "w", "b"], ["c"], "conv", auto_pad="SAME_UPPER"),
        node("Transpose", ["c"], ["same"], "same", perm=[0, 1, 2, 3]),
        node("Shape", ["same"], ["shape"], "shape"),
        node("Gather", ["shape", "zero"], ["first"], "first"),
        node("Unsqueeze", ["first", "axes"], ["list"], "list"),
        node("Concat", ["list", "minus"], ["target"], "target", axis=0),
        node("Reshape", ["same", "target"], ["flat"], "flat"),
        node("MatMul", ["flat", "m"], ["product"], "fc"),
        node("Add", ["row", "product"], ["sum"], "bias"),
        node("Cast", ["half"], ["number"], "number", to=TensorProto.FLOAT),
        node("Mul", ["sum", "number"], ["y"], "halved"),
    ], weights, (2, 4, 4), "y")
    weights = {"w": real(5, 2), "b": real(5), "s": np.array(2, np.float32)}
    writer.made("made_gemm", [
        node("Constant", [], ["k"], "k", value_float=3.0),
        node("Mul", ["s", "k"], ["six"], "six"),
        node("Squeeze", ["image", "axes"], ["flat"], "flat"),
        node("Gemm", ["flat", "w", "b"], ["g"], "gemm", alpha=0.5, beta=-2.0, transB=1),
        node("Pow", ["g", "s"], ["p"], "pow"),
        node("Sum", ["p", "g", "g"], ["sum"], "sum"),
        node("Div", ["sum", "six"], ["y"], "div"),
        node("Relu", ["y"], ["unused"], "unused"),
    ], weights | {"axes": np.array([2, -1], np.int64)}, (2, 1, 1), "y", batch=2)


def relu(writer):
    """Three classes, by the row of a 4×4 image that is bright: for the command line, which replaces its ReLU."""
    node = helper.make_node
    rows = np.kron(np.eye(4, dtype=np.float32), np.ones((4, 1), np.float32))
    nodes = [
        node("Flatten", ["image"], ["flat"], "flatten"),
        node("MatMul", ["flat", "rows"], ["sums"], "sums"),
        node("Add", ["sums", "shift"], ["shifted"], "shifted"),
        node("Relu", ["shifted"], ["bright"], "bright"),
        node("MatMul", ["bright", "classes"], ["y"], "classes"),
    ]
    weights = {"rows": rows, "shift": -np.ones(4, np.float32), "classes": np.eye(4, 3, dtype=np.float32)}
    writer.save(writer.folder / "relu_classes.onnx", nodes, weights, (1, 4, 4), "y")


def refused(writer):
    node = helper.make_node
    single = lambda op, **settings: [node(op, ["image"], ["y"], f"the_{op}", **settings)]
    for op in ["Relu", "Sigmoid", "Softmax", "Exp"]:
        writer.refused(op.lower(), single(op))
    writer.refused("maxpool", single("MaxPool", kernel_shape=[2, 2]))
    writer.refused("domain", [node("Odd", ["image"], ["y"], "the_odd", domain="other")])
    writer.refused("transpose", single("Transpose", perm=[0, 2, 3, 1]))
    writer.refused("flatten", single("Flatten", axis=0))
    writer.refused("mixing", [node("Reshape", ["image", "s"], ["y"], "the_reshape")],
                   {"s": np.array([-1, 4], np.int64)})
    writer.refused("exponent", [node("Pow", ["image", "e"], ["y"], "the_pow")],
                   {"e": np.array(0.5, np.float32)})
    writer.refused("quotient", [node("Div", ["c", "image"], ["y"], "the_div")],
                   {"c": np.array(1, np.float32)})
    writer.refused("division_by_zero", [node("Div", ["image", "c"], ["y"], "the_div")],
                   {"c": np.array(0, np.float32)})
    nan = np.ones((3, 2, 3, 3), np.float32)
    nan[1, 1, 1, 1] = np.nan
    conv = [node("Conv", ["image", "the_weight"], ["y"], "the_conv")]
    writer.refused("nan", conv, {"the_weight": nan})
    writer.refused("shape", conv, {"the_weight": np.ones((3, 5, 3, 3), np.float32)})
    writer.refused("large_kernel", conv, {"the_weight": np.ones((3, 2, 5, 5), np.float32)})
    writer.refused("conv1d", conv, {"the_weight": np.ones((3, 2, 3), np.float32)})
    writer.refused("missing", conv)
    writer.refused("cycle", [
        node("Add", ["image", "b"], ["a"], "the_add"), node("Neg", ["a"], ["b"], "the_neg"),
        node("Neg", ["b"], ["y"], "last")])
    writer.refused("training", [
        node("BatchNormalization", ["image", "s", "s", "s", "s"], ["y"], "the_norm", training_mode=1)],
        {"s": np.ones(2, np.float32)}, opset=15)
    writer.refused("variance", [
        node("BatchNormalization", ["image", "s", "s", "s", "v"], ["y"], "the_norm")],
        {"s": np.ones(2, np.float32), "v": -np.ones(2, np.float32)})
    info = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    add = [node("Add", ["image", "other_image"], ["y"], "sum")]
    writer.refused("two_inputs", add, inputs=[info("image", [1, 2]), info("other_image", [1, 2])])
    writer.refused("two_outputs", [node("Neg", ["image"], ["y"], "a"), node("Neg", ["y"], ["z"], "b")],
                   outputs=[info("y", None), info("z", None)])
    writer.refused("dynamic", single("Neg"), inputs=[info("image", ["batch", 1, "height", 4])])
    huge = info("image", [1, 2**40, 2**40])
    writer.refused("huge", single("Neg"), inputs=[huge])
    writer.refused("padding", [
        node("Conv", ["image", "w"], ["y"], "the_conv", pads=[2**62, 0, 2**62, 0])],
        {"w": np.ones((3, 2, 3, 3), np.float32)})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", default=pathlib.Path(__file__).parent.parent / "tests/fixtures")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    torch.manual_seed(0)
    writer = Writer(arguments.folder)
    accepted(writer)
    relu(writer)
    refused(writer)


if __name__ == "__main__":
    main()

"""IBM's HElayers, from an ONNX file and with packing of its own choice: the whole network."""

import json
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
import pyhelayers as he
from onnx import TensorProto, helper, numpy_helper

import network

NAME = f"HElayers {he.VERSION}"
# With 4,096 its plan wants 17 GB of encoded weights, and predicts fewer images a second.
BATCH = 512
MODEL_MEMORY = 6_000_000_000


def write_onnx(path: Path) -> None:
    """The same sums and squares, the first as the convolution that it is."""
    (w1, b1), (w2, b2), (w3, b3) = network.layers()
    # The kernels as an inner position has them.
    kernel = w1.reshape(5, 1, 13, 13, 28, 28)[:, :, 5, 5, 9:14, 9:14]
    weights = {"k": kernel, "b1": b1.reshape(5, 169)[:, 0], "w2": w2, "b2": b2, "w3": w3, "b3": b3}
    nodes = [
        helper.make_node("Conv", ["x", "k", "b1"], ["c"], kernel_shape=[5, 5], strides=[2, 2], pads=[1] * 4, dilations=[1, 1], group=1),
        helper.make_node("Mul", ["c", "c"], ["s"]),
        helper.make_node("Flatten", ["s"], ["f"], axis=1),
        helper.make_node("Gemm", ["f", "w2", "b2"], ["d"], alpha=1.0, beta=1.0, transB=1),
        helper.make_node("Mul", ["d", "d"], ["t"]),
        helper.make_node("Gemm", ["t", "w3", "b3"], ["y"], alpha=1.0, beta=1.0, transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "cryptonets",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1, 28, 28])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 10])],
        [numpy_helper.from_array(a.astype(np.float32), name) for name, a in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.save(model, path)


def run() -> dict:
    images, seconds = network.images(BATCH), {}

    def timed(stage, work):
        clock = time.monotonic()
        result = work()
        seconds[stage] = time.monotonic() - clock
        return result

    plain = he.NeuralNetPlain()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        write_onnx(path)
        plain.init_from_files(he.PlainModelHyperParams(), [str(path)])
    wishes = he.HeRunRequirements()
    wishes.set_he_context_options([he.DefaultContext()])
    wishes.set_model_encrypted(False)
    wishes.optimize_for_batch_size(BATCH)
    wishes.set_fractional_part_precision(26)
    wishes.set_max_model_memory(MODEL_MEMORY)
    profile = timed("plan", lambda: he.HeModel.compile(plain, wishes))
    context = timed("keys", lambda: he.HeModel.create_context(profile))
    model = he.NeuralNet(context)
    timed("encode weights", lambda: model.encode(plain, profile))
    io = model.create_model_io_encoder()
    x, y = he.EncryptedData(context), he.EncryptedData(context)
    timed("encrypt", lambda: io.encode_encrypt(x, [images.reshape(-1, 1, 28, 28)]))
    timed("evaluate", lambda: model.predict(y, x))
    logits = np.array(timed("decrypt", lambda: io.decrypt_decode_output(y))).reshape(BATCH, 10)
    plan = json.loads(profile.to_string())
    same = (logits.argmax(1) == network.clear(images).argmax(1)).mean()
    return {
        "peer": f"{NAME}, {plan['context_name']}",
        "threads": 1,
        "ring_degree": 2 * int(plan["he_conf_req"]["num_slots"]),
        "log2_q": float(np.log2(context.get_modulus_chain().astype(float)).sum()),
        "images": BATCH,
        "seconds": seconds,
        "evaluate_seconds": seconds["evaluate"],
        "same_answers": float(same),
        "extrapolated": None,
    }


if __name__ == "__main__":
    print(run())

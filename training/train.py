"""Trains a network whose activations are polynomials, and writes it as ONNX.

    python training/train.py cryptonets --data DIR --out models/

After ePrint 2017/035: a batch normalization before every activation keeps its inputs near N(0, 1), where a
polynomial fitted to ReLU is a good start; the polynomials then train on together with the weights.

The test images are looked at once, after the last epoch: nothing is selected by them. Recipes were
compared with `--holdout 10000`, which trains on 50,000 images and scores the other 10,000.
"""

import argparse
from ast import literal_eval
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

import data
import export
import robustness
import tails
from loop import accuracy, train
from nets import ACTIVATIONS, NETWORKS, Parabola, Polynomial
from recipes import RECIPES
from swap import swap


def describe(network: nn.Sequential) -> list[str]:
    """The ranges of the polynomials' coefficients, layer by layer."""
    lines = []
    for index, layer in enumerate(network):
        if isinstance(layer, Parabola):
            vertex = layer.b / (2 * layer.a)
            ranges = {"a": layer.a, "b": layer.b, "c": layer.c, "b/2a": vertex}
            text = "  ".join(f"{name} {v.min():.3f} .. {v.max():.3f}" for name, v in ranges.items())
            lines.append(f"layer {index}, {layer.a.numel()} parabolas: {text}")
        if isinstance(layer, Polynomial):
            powers = enumerate(layer.coefficients())
            text = "  ".join(f"x^{power} {c.min():.4f} .. {c.max():.4f}" for power, c in powers)
            lines.append(f"layer {index}, {layer.weights[0].numel()} polynomials: {text}")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("--data", type=Path, required=True, help="folder with the four gzipped IDX files")
    parser.add_argument("--out", type=Path, required=True, help="folder for the .onnx, the log and the calibration")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--set", nargs="*", default=[], metavar="FIELD=VALUE", help="in place of the recipe's")
    parser.add_argument("--holdout", type=int, default=0, help="score the last N training images, not the test's")
    arguments = parser.parse_args()

    torch.set_num_threads(1)  # the same sums in the same order on every run
    torch.manual_seed(arguments.seed)
    changes = dict(change.split("=", 1) for change in arguments.set)
    recipe = replace(RECIPES[arguments.network], **{k: literal_eval(v) for k, v in changes.items()})
    trained = {
        name: export.read(NETWORKS[name](), arguments.out / f"{name}.onnx")
        for name in sorted({recipe.teacher, recipe.start} - {""})
    }
    log = []

    def say(line: str) -> None:
        print(line, flush=True)
        log.append(line)

    network = NETWORKS[arguments.network]()
    size = sum(p.numel() for p in network.parameters())
    say(f"{arguments.network}: {size} parameters, seed {arguments.seed}, torch {torch.__version__}")
    say(str(recipe))
    images, labels = data.load(arguments.data, "train")
    kept = len(images) - arguments.holdout
    if recipe.start:
        chosen = torch.randperm(kept)[:1000]
        network = swap(network, trained[recipe.start], images[chosen])
        say(f"fitted to {recipe.start}: training accuracy {accuracy(network, images[:kept], labels[:kept]):.2f} %")
    network = train(network, trained.get(recipe.teacher), images[:kept], labels[:kept], recipe, say)
    for line in describe(network):
        say(line)
    if arguments.holdout:  # nothing but the network is written, for it may be to teach another
        for line in tails.report(network, images[kept:]):
            say(line)
        say(f"held-out accuracy {accuracy(network, images[kept:], labels[kept:]):.2f} %")
        arguments.out.mkdir(parents=True, exist_ok=True)
        export.write(network, images, arguments.out / f"{arguments.network}.onnx")
        return

    tests, truth = data.load(arguments.data, "test")
    say(f"test accuracy {accuracy(network, tests, truth):.2f} %")
    if any(isinstance(layer, ACTIVATIONS) for layer in network):
        for line in tails.report(network, tests) + robustness.report(network, tests, truth):
            say(line)
    finish(arguments.network, arguments.out, network, recipe.calibration, images, tests, truth, say)
    (arguments.out / f"{arguments.network}.log").write_text("\n".join(log) + "\n")


def finish(
    name: str, out: Path, network: nn.Module, count: int, images: Tensor, tests: Tensor, truth: Tensor, say
) -> None:
    """Writes the files and proves on every test image that the ONNX file is the network."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{name}.onnx"
    export.write(network, tests, path)
    say(f"{path.name}: {path.stat().st_size} bytes; {export.operators(path)}")
    logits = torch.from_numpy(export.run(path, tests))
    with torch.no_grad():
        clear = network(tests)
    same = (logits.argmax(1) == clear.argmax(1)).sum().item()
    correct = 100 * (logits.argmax(1) == truth).sum().item() / len(truth)
    gap = (logits - clear).abs().max().item()
    say(f"onnxruntime: accuracy {correct:.2f} %, {same} of {len(tests)} answers as PyTorch, logits within {gap:.1e}")
    if correct != accuracy(network, tests, truth):
        raise SystemExit("the exported network and PyTorch's differ in accuracy")
    chosen = np.random.default_rng(0).permutation(len(images))[:count]
    np.save(out / f"{name}.calibration.npy", images[torch.from_numpy(chosen)].numpy())


if __name__ == "__main__":
    main()

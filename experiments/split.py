#!/usr/bin/env python3
"""Client and server as processes that see their own files alone, on all of MNIST's test images.

    python experiments/split.py NAME --model cryptonets --backend cpu gpu

Every command runs in a folder that holds what it is to see, and nothing else. With two backends the
answers must be the same files. Writes experiments/results/NAME.json.
"""

import argparse
import gzip
import json
import os
import shutil
import subprocess
import tempfile
import sys
import time
from pathlib import Path

from measure import machine, stamp

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "target/release/cipherbatch"
DATA = ROOT / "data/mnist"


def run(folder, *arguments):
    start = time.monotonic()
    done = subprocess.run([PROGRAM, *map(str, arguments)], cwd=folder, check=True, text=True, stdout=subprocess.PIPE)
    return done.stdout, round(time.monotonic() - start, 3)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("--model", default="cryptonets")
    parser.add_argument("--backend", nargs="+", default=["cpu"])
    args = parser.parse_args()
    subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT, check=True)
    with tempfile.TemporaryDirectory() as root:
        root, seconds = Path(root), {}

        def desk(name, *files):
            folder = root / name
            folder.mkdir()
            for file in files:
                (shutil.copytree if file.is_dir() else shutil.copy)(file, folder / file.name)
            return folder

        plan = desk("plan")
        _, seconds["plan"] = run(plan, "plan", "--model", args.model, "--save", "server.plan", "--public", "client.plan")
        keygen = desk("keygen", plan / "client.plan")
        _, seconds["keygen"] = run(keygen, "keygen", "--plan", "client.plan", "--secret", "secret", "--keys", "keys")
        images = DATA / "t10k-images-idx3-ubyte.gz"
        encrypt = desk("encrypt", plan / "client.plan", keygen / "secret", images)
        _, seconds["encrypt"] = run(encrypt, "encrypt", "--plan", "client.plan", "--secret", "secret", "--input", images.name, "--output", "batches/")
        answers = []
        for backend in args.backend:
            server = desk(f"evaluate-{backend}", plan / "server.plan", keygen / "keys", encrypt / "batches")
            said, seconds[f"evaluate, {backend}"] = run(
                server, "evaluate", "--plan", "server.plan", "--keys", "keys", "--backend", backend, "--input", "batches", "--output", "answers")
            print(said.strip())
            answers.append(server / "answers")
        files = {path.name: path.read_bytes() for path in answers[0].iterdir()}
        for other in answers[1:]:
            assert files == {path.name: path.read_bytes() for path in other.iterdir()}, "answers differ"
        decrypt = desk("decrypt", plan / "client.plan", keygen / "secret", answers[0])
        _, seconds["decrypt"] = run(decrypt, "decrypt", "--plan", "client.plan", "--secret", "secret", "--input", "answers", "--output", "labels", "--labels")
        labels = [int(line) for line in (decrypt / "labels").read_text().split()]
        truth = list(gzip.open(DATA / "t10k-labels-idx1-ubyte.gz").read()[8:])
        batches = sum(path.stat().st_size for path in (encrypt / "batches").iterdir())
        one, _ = run(root, "classify", "--model", args.model, "--backend", args.backend[0], "--json", "-")
        report = stamp(["experiments/split.py"], sys.argv[1:]) | {
            "machine": machine(),
            "model": args.model,
            "images": len(labels),
            "backends_with_equal_answers": args.backend,
            "correct": sum(a == b for a, b in zip(labels, truth)),
            "correct_in_one_process_with_other_encryptions": json.loads(one)["correct"],
            "batches_bytes": batches,
            "evaluation_keys_bytes": (keygen / "keys").stat().st_size,
            "answers_bytes": sum(map(len, files.values())),
            "seconds_of_processes": seconds,
            # Above the number of cores, others computed beside it.
            "load_average": round(os.getloadavg()[0], 1),
        }
    assert len(labels) == len(truth)
    text = json.dumps(report, indent=2)
    print(text)
    (ROOT / "experiments/results" / f"{args.name}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()

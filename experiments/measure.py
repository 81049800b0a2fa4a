"""Runs `cipherbatch classify` several times and keeps every report, with the medians.

    python experiments/measure.py [--runs 5] NAME [ARGUMENTS OF classify]

writes experiments/results/NAME.json. Only Python's standard library is needed; the program is built
first with `cargo build --release`.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent


def processor():
    """The processor's name and what matters of its instruction sets, where Linux tells."""
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor(), []
    facts = dict(line.split(":", 1) for line in lines if ":" in line)
    facts = {key.strip(): value.strip() for key, value in facts.items()}
    flags = [f for f in facts.get("flags", "").split() if f.startswith(("avx", "fma", "amx"))]
    return facts.get("model name", platform.processor()), flags


def commit():
    """What was measured: the commit, + after it where files differ from it."""

    def git(*arguments):
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True).stdout.strip()

    changed = git("status", "--porcelain", "--", "src", "shaders", "models", "Cargo.toml")
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="for classify")
    options = parser.parse_args()

    program = ROOT / "target" / "release" / "cipherbatch"
    command = [str(program), "classify", *options.arguments, "--json", "-"]
    reports = []
    for run in range(options.runs):
        done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
        reports.append(json.loads(done.stdout))
        print(f"run {run + 1}: {reports[-1]['evaluate_images_per_second']:.0f} images/s evaluated")

    # Stages work side by side; the total is the clock's, and keys come before.
    total = [report["seconds"]["keygen"] + report["seconds"]["total"] for report in reports]
    numbers = ["accuracy", "agreement", "evaluate_images_per_second", "peak_memory_bytes"]
    medians = {key: statistics.median(report[key] for report in reports) for key in numbers}
    medians["end_to_end_images_per_second"] = reports[0]["images"] / statistics.median(total)
    name, flags = processor()
    result = {
        "command": " ".join(["cipherbatch", "classify", *options.arguments]),
        "commit": commit(),
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "machine": {"processor": name, "cores": os.cpu_count(), "instructions": flags},
        "medians": medians,
        "runs": reports,
    }
    path = ROOT / "experiments" / "results" / f"{options.name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(medians))


if __name__ == "__main__":
    main()

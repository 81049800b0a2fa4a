"""Runs `cipherbatch classify` several times and keeps every report, with the medians.

    python experiments/measure.py [--runs 5] NAME [ARGUMENTS OF classify]
    python experiments/measure.py --benchmark NAME [ARGUMENTS OF benchmark]

writes experiments/results/NAME.json; the second keeps the report of `benchmark`, which repeats by itself,
with commit and date. Only Python's standard library is needed; the programs are built first with
`cargo build --release`.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess
import tempfile

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


def machine():
    """What it runs on."""
    name, flags = processor()
    return {"processor": name, "cores": os.cpu_count(), "instructions": flags}


def commit():
    """What was measured: the commit, + after it where files differ from it."""

    def git(*arguments):
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True).stdout.strip()

    changed = git("status", "--porcelain", "--", "src", "shaders", "models", "Cargo.toml")
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")


def stamp(program, arguments):
    """What was run, on what, and when."""
    return {
        "command": " ".join([*program, *arguments]),
        "commit": commit(),
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
    }


def write(name, result):
    path = ROOT / "experiments" / "results" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")


def benchmark(name, arguments):
    """One run of `benchmark`, whose tables are shown."""
    program = ROOT / "target" / "release" / "benchmark"
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "report.json"
        subprocess.run([program, *arguments, "--json", report], check=True, cwd=ROOT)
        write(name, stamp(["benchmark"], arguments) | json.loads(report.read_text()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--benchmark", action="store_true", help="run benchmark in place of classify")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="for the program")
    options = parser.parse_args()
    if options.benchmark:
        benchmark(options.name, options.arguments)
        return

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
    result = stamp(["cipherbatch", "classify"], options.arguments) | {
        "machine": machine(),
        "medians": medians,
        "runs": reports,
    }
    write(options.name, result)
    print(json.dumps(medians))


if __name__ == "__main__":
    main()

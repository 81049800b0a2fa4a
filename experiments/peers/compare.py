#!/usr/bin/env python3
"""cipherbatch beside other libraries, in one run on one machine, each with one thread.

    cargo build --release
    python3 -m venv target/peers && target/peers/bin/pip install -r experiments/peers/requirements.txt
    target/peers/bin/python experiments/peers/compare.py

About three minutes on a machine that does nothing else. Writes peers.json and peers.md beside this file.
"""

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PEERS = ["peer_seal", "peer_helayers", "peer_desilo"]
ONE_THREAD = {**os.environ, "RAYON_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def cipherbatch(runs: int) -> dict:
    """A full batch, evaluated `runs` times; the median counts."""
    command = [ROOT / "target/release/cipherbatch", "classify", "--model", "cryptonets", "--limit", "4096", "--backend", "cpu", "--json", "-"]
    reports = [json.loads(subprocess.run(command, check=True, capture_output=True, env=ONE_THREAD).stdout) for _ in range(runs)]
    report = reports[0]
    return {
        "device": report["device"],
        "ring_degree": report["ring_degree"],
        "log2_q": report["log2_q"],
        "images": report["images"],
        "encrypt_images_per_second": report["images"] / statistics.median(r["seconds"]["encrypt"] for r in reports),
        "images_per_second": statistics.median(r["evaluate_images_per_second"] for r in reports),
        "same_answers": report["agreement"],
        "runs": [r["evaluate_images_per_second"] for r in reports],
    }


def peer(module: str) -> dict:
    """What a peer's `run` returns, in a process of its own."""
    program = f"import json, {module}; print(json.dumps({module}.run()))"
    done = subprocess.run([sys.executable, "-c", program], cwd=HERE, env=ONE_THREAD, capture_output=True, text=True)
    if done.returncode:
        return {"peer": module, "error": done.stderr.strip().splitlines()[-1]}
    return json.loads(done.stdout.splitlines()[-1])


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def commit() -> str:
    def git(*arguments):
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True).stdout.strip()

    changed = git("status", "--porcelain", "--", "src", "shaders", "models", "Cargo.toml")
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")


def table(result: dict) -> str:
    ours = result["cipherbatch"]
    rows = [
        "| | N | log2 Q | images a batch | seconds a batch | images/s | cipherbatch is faster by | same answers as in the clear |",
        "|---|---|---|---|---|---|---|---|",
        f"| cipherbatch | {ours['ring_degree']} | {ours['log2_q']:.0f} | {ours['images']} | {ours['images'] / ours['images_per_second']:.3f} | {ours['images_per_second']:.0f} | | {100 * ours['same_answers']:.2f} % |",
    ]
    for p in result["peers"]:
        if "error" in p:
            rows.append(f"| {p['peer']} | | | | | | | {p['error']} |")
            continue
        log2_q = "–" if p["log2_q"] is None else f"{p['log2_q']:.0f}"
        same = "–" if p["same_answers"] is None else f"{100 * p['same_answers']:.2f} %"
        mark = " *" if p["extrapolated"] else ""
        rows.append(
            f"| {p['peer']} | {p['ring_degree']} | {log2_q} | {p['images']} | {p['evaluate_seconds']:.1f}{mark} | {p['images_per_second']:.1f} | {p['ratio']:.0f} | {same} |"
        )
    notes = [f"\\* {p['peer']}: {p['extrapolated']}." for p in result["peers"] if p.get("extrapolated")]
    foot = f"One thread each; {result['device']}, {result['cores']} cores, load {result['load_average']}; commit {result['commit']}, {result['date']}."
    return "\n".join(rows) + "\n\n" + "\n\n".join([*notes, foot]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="peers whose module's name contains this")
    parser.add_argument("--runs", type=int, default=5, help="of cipherbatch, before the peers and after")
    parser.add_argument("--out", type=Path, default=HERE, help="the folder of peers.json and peers.md")
    options = parser.parse_args()

    load = os.getloadavg()[0]
    before = cipherbatch(options.runs)
    print(f"cipherbatch: {before['images_per_second']:.0f} images/s", flush=True)
    peers = []
    for module in (m for m in PEERS if options.only in m):
        peers.append(peer(module))
        print(json.dumps(peers[-1]), flush=True)
    after = cipherbatch(options.runs)
    ours = {**before, "images_per_second": statistics.median(before["runs"] + after["runs"]), "runs": before["runs"] + after["runs"]}
    for p in (p for p in peers if "error" not in p):
        p["images_per_second"] = p["images"] / p["evaluate_seconds"]
        p["ratio"] = ours["images_per_second"] / p["images_per_second"]
    result = {
        "device": processor(),
        "cores": os.cpu_count(),
        "load_average": round(load, 1),
        "python": platform.python_version(),
        "commit": commit(),
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "cipherbatch": ours,
        "peers": peers,
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "peers.json").write_text(json.dumps(result, indent=1) + "\n")
    (options.out / "peers.md").write_text(table(result))
    print(table(result))


if __name__ == "__main__":
    main()

#!/usr/bin/env bash
# Bundles what measures a GPU on a machine that has one and no Rust: the kernels' tests, the program that measures,
# the command line, models and test images, and a Vulkan loader if one is given.
#
#   experiments/bundle.sh FOLDER [LIBRARY…]
#
# makes FOLDER; LIBRARY is libvulkan.so.1 (and whatever else the loader needs) of this machine's architecture. There,
#
#   FOLDER/run.sh [RESULTS]
#
# checks that all kernels are exact, measures everything, and writes RESULTS (results/ in the current folder). It
# takes at most 8 minutes. `RUN_QUICK=1` measures in small, to see that it runs.
set -euo pipefail
[ $# -ge 1 ] || { sed -n '2,/^set/p' "$0" | sed '$d; s/^# \{0,1\}//' >&2; exit 2; }
folder=$1; shift
libraries=("$@")
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$folder/lib"
folder=$(cd "$folder" && pwd)
cd "$root"

# The path of the executable that cargo made of a target of that name.
built() {
  cargo "$@" --message-format=json-render-diagnostics |
    python3 -c '
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if message.get("executable") and message["target"]["name"] == sys.argv[1]:
        print(message["executable"])' "${@: -1}" | tail -n 1
}
put() { cp "$1" "$2"; strip --strip-debug "$2"; }
put "$(built test --release --no-run --test kernels-tests)" "$folder/kernels-tests"
put "$(built build --release --example gpu)" "$folder/gpu"
put "$(built build --release --bin cipherbatch)" "$folder/cipherbatch"
for library in ${libraries[@]+"${libraries[@]}"}; do cp -L "$library" "$folder/lib/"; done
mkdir -p "$folder/models"
for name in cryptonets deep; do cp "models/$name.onnx" "models/$name.calibration.npy" "$folder/models/"; done
git rev-parse HEAD > "$folder/commit"

cat > "$folder/run.sh" <<'RUN'
#!/usr/bin/env bash
# Exactness first, then every measurement: `experiments/bundle.sh` made this.
set -uo pipefail
results=$(mkdir -p "${1:-results}" && cd "${1:-results}" && pwd)
cd "$(dirname "$0")"
here=$PWD
export LD_LIBRARY_PATH="$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" NODEVICE_SELECT=1
export CIPHERBATCH_REQUIRE_GPU=1 RUST_BACKTRACE=0
cp commit "$results/"
quick=(); [ -z "${RUN_QUICK:-}" ] || quick=(--quick)
tests=(); [ -z "${RUN_TESTS:-}" ] || tests=("$RUN_TESTS")
failed=0

# 8 minutes, of which the tests may take 3, the figures 4 and the command line the rest. Tests that were not
# done in time are no failure of those that were.
timeout "${RUN_TEST_SECONDS:-180}" ./kernels-tests ${tests[@]+"${tests[@]}"} > "$results/tests.log" 2>&1
code=$?
if grep -q "FAILED\|panicked" "$results/tests.log" || { [ $code -ne 0 ] && [ $code -ne 124 ]; }; then failed=1; fi
grep "test result\|FAILED\|panicked\|kernels run on" "$results/tests.log"
grep -c "\.\.\. ok" "$results/tests.log" | sed 's/$/ tests passed/'

timeout 300 ./gpu ${quick[@]+"${quick[@]}"} --budget 230 --out "$results/gpu.json" 2> "$results/gpu.log" || failed=1
grep "^==\|error\| in .* s$" "$results/gpu.log"

limit=(); [ -z "${RUN_QUICK:-}" ] || limit=(--limit 64)
for model in cryptonets deep; do
  [ -z "${RUN_QUICK:-}" ] || [ $model != deep ] || continue
  timeout 60 ./cipherbatch classify --model $model --backend gpu ${limit[@]+"${limit[@]}"} \
    --json "$results/$model.json" --trace "$results/$model-trace.json" > "$results/$model.log" 2>&1 || failed=1
  cat "$results/$model.log"
done
[ $failed = 0 ] && echo "all is well: $results" || echo "something failed: see $results"
exit $failed
RUN
chmod +x "$folder/run.sh"
size=$(tar -C "$folder" -c . | gzip | wc -c)
echo "$folder: $((size / 1024)) KiB compressed"
[ "$size" -lt $((64 << 20)) ]

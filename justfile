# The commands of daily work; CONTRIBUTING.md has them in words.

export RUST_BACKTRACE := "0"

# These recipes
default:
    @just --list --unsorted

# All that must hold before a change lands
ci:
    .ci/run

# Formatting and lints
lint:
    cargo fmt --all
    cargo clippy --all-targets -- -D warnings

# All tests, or those of the arguments: just test --lib plan
test *arguments:
    cargo test --release {{arguments}}

# The lessons of the course, one after the other
course:
    for lesson in 1_encrypt_a_vector 2_a_layer 3_a_network 4_your_own_model 5_client_and_server 6_choosing_a_device; do \
        cargo run --quiet --release --example $lesson || exit 1; \
    done

# One kernel at a time: just bench ntt
bench *filter:
    cargo bench --bench kernels -- {{filter}}

# Random and foreign networks against an ONNX runtime
conformance:
    cargo test --release -p conformance

# Changed files against every reader, so many seconds each
fuzz seconds="60":
    cargo run --release -p cipherbatch-fuzz --bin mutate -- {{seconds}}

# The documentation, in a browser
doc:
    cargo doc --no-deps --open

# The first row of the README's table
measure:
    cargo build --release
    python3 experiments/measure.py --runs 5 cryptonets-cpu-2-cores --model cryptonets --backend cpu

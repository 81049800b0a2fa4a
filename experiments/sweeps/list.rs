//! The sweeps: what is varied, and over which points.

use crate::sweep::{Drawn, Images, Point, Relinearised, Subject, Sweep};
use crate::table::Row;
use cipherbatch::math::simd::Simd;

/// Seconds of an evaluation.
const SECONDS: (&str, fn(&Row) -> f64) = ("seconds", |row| row.seconds);

/// Images a second of an evaluation.
const RATE: (&str, fn(&Row) -> f64) = ("images a second", |row| row.images_per_second);

/// All sweeps.
pub fn all() -> Vec<Sweep> {
    vec![
        images(),
        fill(),
        width(),
        depth(),
        precision(),
        ring(),
        relinearisation(),
        threads(),
        memory(),
        devices(),
    ]
}

fn images() -> Sweep {
    let point = |count| Point { images: Images::Batches(count), ..Point::cryptonets(count as f64) };
    Sweep {
        name: "images",
        question: "Does time grow linearly with the number of images?",
        unit: "full batches of 4,096 images",
        y: SECONDS,
        drawn: Drawn::ByFactors,
        of_the_machine: false,
        points: [1, 2, 4, 8, 16, 32].map(point).to_vec(),
    }
}

fn fill() -> Sweep {
    let point = |count| Point { images: Images::Some(count), ..Point::cryptonets(count as f64) };
    Sweep {
        name: "fill",
        question: "What does a batch that is not full cost?",
        unit: "images in a batch of 4,096",
        y: RATE,
        drawn: Drawn::ByFactors,
        of_the_machine: false,
        points: [1, 4, 16, 64, 256, 1024, 4096].map(point).to_vec(),
    }
}

fn width() -> Sweep {
    // Some batches: one takes milliseconds.
    let point = |width: usize| Point {
        images: Images::Batches(16),
        ..Point::new(width as f64, Subject::Family(vec![width]))
    };
    Sweep {
        name: "width",
        question: "Does time grow linearly with the multiply-adds?",
        unit: "units in the hidden layer",
        y: SECONDS,
        drawn: Drawn::ByFactors,
        of_the_machine: false,
        points: [64, 128, 256, 512, 1024].map(point).to_vec(),
    }
}

fn depth() -> Sweep {
    let point = |depth: usize| Point::new(depth as f64, Subject::Family(vec![64; depth]));
    Sweep {
        name: "depth",
        question: "What does another activation cost?",
        unit: "activations one after the other",
        y: SECONDS,
        drawn: Drawn::Even,
        of_the_machine: false,
        points: (1..=8).map(point).collect(),
    }
}

fn precision() -> Sweep {
    let point = |bits: u8| {
        let bits = f64::from(bits);
        Point { precision_bits: Some(bits), ..Point::cryptonets(bits) }
    };
    Sweep {
        name: "precision",
        question: "What does another bit of precision cost?",
        unit: "bits wanted of the results",
        y: SECONDS,
        drawn: Drawn::Even,
        of_the_machine: false,
        points: (3..=12).map(point).collect(),
    }
}

fn ring() -> Sweep {
    let point = |degree| Point { least_degree: Some(degree), ..Point::cryptonets(degree as f64) };
    Sweep {
        name: "ring",
        question: "What does a larger ring than needed cost?",
        unit: "ring degree, and images in a batch",
        y: RATE,
        drawn: Drawn::ByFactors,
        of_the_machine: false,
        points: [4096, 8192, 16_384, 32_768].map(point).to_vec(),
    }
}

fn relinearisation() -> Sweep {
    let point = |width: usize, relinearised, curve| {
        let point = Point::new(width as f64, Subject::Family(vec![256, width]));
        Point { curve, relinearised: Some(relinearised), ..point }
    };
    let both = |width| {
        let lazy = point(width, Relinearised::Lazily, "sums (lazy)");
        [lazy, point(width, Relinearised::Eagerly, "squares (eager)")]
    };
    Sweep {
        name: "relinearisation",
        question: "Should squares be relinearised, or the sums of them?",
        unit: "sums over 256 squares",
        y: SECONDS,
        drawn: Drawn::ByFactors,
        of_the_machine: false,
        points: [32, 64, 128, 256, 512, 1024].into_iter().flat_map(both).collect(),
    }
}

fn threads() -> Sweep {
    let point = |count| Point {
        threads: Some(count),
        images: Images::Batches(2),
        ..Point::cryptonets(count as f64)
    };
    let most = std::thread::available_parallelism().map_or(1, usize::from);
    let counts = (1..=most).filter(|t| t.is_power_of_two() || *t == most);
    Sweep {
        name: "threads",
        question: "How many threads are worth their cores?",
        unit: "threads",
        y: RATE,
        drawn: Drawn::Even,
        of_the_machine: true,
        points: counts.map(point).collect(),
    }
}

fn memory() -> Sweep {
    let budgets = |curve: &'static str, budgets: &[u64]| {
        let point = |&mb: &u64| {
            let point = Point::new(mb as f64, Subject::Shipped(curve));
            Point { curve, memory: Some(mb * 1_000_000), ..point }
        };
        budgets.iter().map(point).collect()
    };
    let small: Vec<Point> = budgets("cryptonets", &[54, 80, 120, 180]);
    let large = budgets("deep", &[780, 1000, 1400]);
    Sweep {
        name: "memory",
        question: "What does a smaller memory budget cost?",
        unit: "MB for the ciphertexts of a batch",
        y: SECONDS,
        drawn: Drawn::ByFactors,
        of_the_machine: false,
        points: [small, large].concat(),
    }
}

fn devices() -> Sweep {
    let names = [
        ("portable", "CPU, portable"),
        ("avx2", "CPU, AVX2"),
        ("avx512", "CPU, AVX-512"),
        ("ifma", "CPU, AVX-512 with IFMA and VNNI"),
        ("amx", "CPU, the same with AMX"),
    ];
    // Instruction sets come one on top of the other.
    let there = names.into_iter().take(Simd::all().count()).enumerate();
    let point = |(number, (simd, curve))| Point {
        curve,
        simd: Some(simd),
        ..Point::cryptonets(number as f64)
    };
    let mut points: Vec<Point> = there.map(point).collect();
    points.push(Point { curve: "GPU", gpu: true, ..Point::cryptonets(points.len() as f64) });
    Sweep {
        name: "devices",
        question: "What is each device and instruction set worth?",
        unit: "devices",
        y: RATE,
        drawn: Drawn::Bars,
        of_the_machine: true,
        points,
    }
}

//! A measurement as tables: the machine, the stages, the rates, the layers.

use crate::report::Report;
use crate::side::Side;
use crate::spread::Spread;
use crate::table::Table;

/// All of them.
pub fn of(report: &Report) -> Vec<Table> {
    vec![machine(report), stages(report), rates(report), layers(report)]
}

fn machine(report: &Report) -> Table {
    let (machine, mut rows) = (&report.machine, Vec::new());
    let mut say = |what: &str, value: String| rows.push(vec![what.to_owned(), value]);
    let cores = machine.cores.map_or(String::new(), |cores| format!("{cores} cores, "));
    say("processor", format!("{}, {cores}{} threads", machine.processor, machine.threads));
    say("instruction sets", machine.instruction_sets.join("; "));
    say("used", machine.instruction_set.clone());
    say("memory", size(machine.memory_bytes as f64));
    say("system", machine.system.clone());
    #[cfg(feature = "gpu")]
    if let Some(card) = report.sides.iter().find_map(|side| side.card.as_ref()) {
        say("GPU", card.to_string());
        let memory = card.memory_bytes.map_or("memory not told".into(), |bytes| size(bytes as f64));
        let integers = if card.has_64_bit_integers { "64-bit" } else { "32-bit" };
        say(
            "its limits",
            format!(
                "{memory}; {} of workgroup memory, {} threads a workgroup, buffers of {}, {integers} integers",
                size(card.workgroup_memory_bytes as f64),
                card.workgroup_threads,
                size(card.largest_buffer_bytes as f64),
            ),
        );
    }
    if let Some(reason) = &report.no_gpu {
        say("GPU", reason.clone());
    }
    say(
        "parameters",
        format!(
            "N = {}, {} primes, log2 Q = {:.1}, {}-bit security",
            report.ring_degree,
            report.primes.len(),
            report.log2_q,
            report.security_bits
        ),
    );
    let title = format!(
        "{}: {} images a batch, {:.2}·10⁹ multiply-adds of residues, {} key switches",
        report.model,
        report.slots,
        report.multiply_adds / 1e9,
        report.key_switches
    );
    Table {
        title,
        header: vec!["cipherbatch".into(), report.version.into()],
        rows,
        note: String::new(),
    }
}

/// A column a side.
fn header(report: &Report, first: &str) -> Vec<String> {
    let names = report.sides.iter().map(|side| side.backend.to_uppercase());
    [first.to_owned()].into_iter().chain(names).collect()
}

fn row(report: &Report, name: &str, cell: impl Fn(&Side) -> String) -> Vec<String> {
    [name.to_owned()].into_iter().chain(report.sides.iter().map(cell)).collect()
}

fn stages(report: &Report) -> Table {
    let row = |name: &str, cell: fn(&Side) -> Spread| row(report, name, |side| ms(cell(side)));
    let mut rows = vec![
        row("upload", |side| side.seconds.upload),
        row("evaluate", |side| side.seconds.evaluate),
        row("download", |side| side.seconds.download),
        row("decrypt", |side| side.seconds.decrypt),
    ];
    let client = vec![ms(report.encrypt); report.sides.len()];
    rows.insert(0, ["encrypt".to_owned()].into_iter().chain(client).collect());
    let note = match report.equal {
        Some(true) => "The same ciphertexts on both sides, and the same answers, bit for bit.",
        Some(false) => "The same ciphertexts on both sides, and DIFFERENT answers.",
        None => "One side alone: nothing to compare with.",
    };
    let title = format!("milliseconds a batch: the median (least to most), runs: {}", report.runs);
    let precision =
        format!(" Results are those of the clear network to {:.1} bits.", report.precision_bits);
    Table { title, header: header(report, "stage"), rows, note: note.to_owned() + &precision }
}

fn rates(report: &Report) -> Table {
    let images =
        |name: &str, cell: fn(&Side) -> Spread| row(report, name, |side| whole(cell(side)));
    let of_ceiling = |side: &Side| {
        let (found, most) =
            (side.multiply_adds_per_second.median, side.ceilings.multiply_adds_per_second);
        share(found, most, 1e9)
    };
    let rows = vec![
        images("images/s, resident", |side| side.images_per_second.resident),
        images("images/s, ciphertexts to answers", |side| side.images_per_second.ciphertexts),
        images("images/s, end to end", |side| side.images_per_second.end_to_end),
        row(report, "10⁹ multiply-adds/s, all layers (of the ceiling)", of_ceiling),
        row(report, "ceiling: the product on a dense block, 10⁹/s", |side| {
            format!("{:.1}", side.ceilings.multiply_adds_per_second / 1e9)
        }),
        row(report, "ceiling: 32-bit multiply-adds in registers, 10⁹/s", |side| {
            let words = side.ceilings.word_multiply_adds_per_second;
            words.map_or("–".into(), |rate| format!("{:.1}", rate / 1e9))
        }),
        row(report, "ceiling: copied memory, GB/s", |side| {
            format!("{:.1}", side.ceilings.bytes_per_second / 1e9)
        }),
        row(report, "to the device, a batch", |side| size(side.bytes_up as f64)),
        row(report, "and back", |side| size(side.bytes_down as f64)),
        row(report, "memory for the ciphertexts of a batch", |side| size(side.memory_bytes as f64)),
        row(report, "opened, s", |side| format!("{:.2}", side.open_seconds)),
    ];
    let peak = report.peak_memory_bytes;
    let note = format!(
        "End to end: {} images, encrypted, evaluated and decrypted side by side; resident: the layers alone. \
         A batch is {} encrypted, its answer {}; keys take {:.1} ms. Peak memory of all this: {}.",
        report.images,
        size(report.ciphertext_bytes as f64),
        size(report.answer_bytes as f64),
        1e3 * report.keygen,
        peak.map_or("not told".into(), |bytes| size(bytes as f64)),
    );
    Table { title: "rates and ceilings".into(), header: header(report, "what"), rows, note }
}

fn layers(report: &Report) -> Table {
    let mut header = vec!["layer", "10⁹ multiply-adds", "switches", "MB"];
    let titles: Vec<String> = report
        .sides
        .iter()
        .flat_map(|side| {
            let name = side.backend.to_uppercase();
            [format!("{name} ms"), "10⁹/s".into(), "GB/s".into()]
        })
        .collect();
    header.extend(titles.iter().map(String::as_str));
    let row = |(place, counts): (usize, &crate::counts::Counts)| {
        let shape: Vec<String> = counts.shape.iter().map(usize::to_string).collect();
        let mut cells = vec![
            format!("\"{}\", {}: {}", counts.layer, counts.kind, shape.join("×")),
            format!("{:.3}", counts.multiply_adds / 1e9),
            counts.key_switches.to_string(),
            format!("{:.1}", counts.bytes / 1e6),
        ];
        for side in &report.sides {
            let (layer, most) = (&side.layers[place], &side.ceilings);
            if layer.seconds.max == 0.0 {
                cells.extend(["where it is read".into(), String::new(), String::new()]);
                continue;
            }
            cells.push(ms(layer.seconds));
            let found = layer.multiply_adds_per_second;
            cells.push(share(found, most.multiply_adds_per_second, 1e9));
            cells.push(share(layer.bytes_per_second, most.bytes_per_second, 1e9));
        }
        cells
    };
    let rows = report.layers.iter().enumerate().map(row).collect();
    let note = "Layer by layer, each waiting for the one before; shares of the measured ceilings, switches \
                included. MB: every input read once and every result written once. A sum that only squares read may be \
                made where it is read.";
    Table {
        title: "layers of a batch".into(),
        header: header.into_iter().map(str::to_owned).collect(),
        rows,
        note: note.into(),
    }
}

/// The median, and between which values it lies, where there are several.
fn spread(Spread { median, min, max }: Spread, say: impl Fn(f64) -> String) -> String {
    match min < max {
        true => format!("{} ({}–{})", say(median), say(min), say(max)),
        false => say(median),
    }
}

fn ms(seconds: Spread) -> String {
    spread(seconds, |seconds| match 1e3 * seconds {
        ms if ms < 100.0 => format!("{ms:.2}"),
        ms => format!("{ms:.0}"),
    })
}

fn whole(rate: Spread) -> String {
    spread(rate, |rate| format!("{rate:.0}"))
}

/// A rate, and its share of the most.
fn share(found: f64, most: f64, unit: f64) -> String {
    format!("{:.2} ({:.0} %)", found / unit, 100.0 * found / most)
}

/// Bytes for people.
fn size(bytes: f64) -> String {
    match bytes {
        0.0 => "–".into(),
        b if b < 1e5 => format!("{:.1} kB", b / 1e3),
        b if b < 1e9 => format!("{:.1} MB", b / 1e6),
        b => format!("{:.1} GB", b / 1e9),
    }
}

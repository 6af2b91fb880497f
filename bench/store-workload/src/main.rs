//! Makes the profiles that `bench/store.mjs` measures with; run without arguments it says how.

mod encode;
mod fill;
mod model;

use encode::Kind;
use flate2::{Compression, write::GzEncoder};
use model::Model;
use std::io::{BufWriter, Write};
use std::path::Path;

const HELP: &str = "store-workload files <folder> <count> <sums|samples>   profiles as clients send them: pprof, gzip
store-workload rows <file> <minutes> <instances>           their rows: instance, minute, stack, endpoint, wall, cpu as f64
store-workload fill <folder> <minutes> <instances> <end>   a store whose last minute ends at <end>, milliseconds
store-workload age <folder> <hours> <instances> <end>      the same with sums of hours, as after hourly maintenance";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["files", folder, count, kind] => {
            files(Path::new(folder), number(count), Kind::named(kind))
        }
        ["rows", file, minutes, instances] => {
            rows(Path::new(file), number(minutes), number(instances))
        }
        ["fill", folder, minutes, instances, end] => {
            fill::fill(
                Path::new(folder),
                number(minutes),
                number(instances),
                number(end) as i64,
            );
        }
        ["age", folder, hours, instances, end] => {
            fill::age(
                Path::new(folder),
                number(hours),
                number(instances),
                number(end) as i64,
            );
        }
        _ => {
            eprintln!("{HELP}");
            std::process::exit(2);
        }
    }
}

fn number(text: &str) -> u64 {
    text.parse().unwrap_or_else(|_| {
        eprintln!("\"{text}\" is no whole number\n\n{HELP}");
        std::process::exit(2);
    })
}

fn files(folder: &Path, count: u64, kind: Kind) {
    let model = Model::default();
    std::fs::create_dir_all(folder).expect("the folder can be made");
    for index in 0..count {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        let plain = encode::profile(&model, &model.rows(index), kind);
        encoder.write_all(&plain).expect("memory takes everything");
        let data = encoder.finish().expect("memory takes everything");
        std::fs::write(folder.join(format!("{index:06}.pprof")), data)
            .expect("the file is written");
    }
}

fn rows(file: &Path, minutes: u64, instances: u64) {
    let model = Model::default();
    let mut out = BufWriter::new(std::fs::File::create(file).expect("the file can be made"));
    for minute in 0..minutes {
        for instance in 0..instances {
            for row in model.rows(fill::profile_of(minute, instance)) {
                let place = [
                    instance,
                    minute,
                    u64::from(row.stack),
                    u64::from(row.endpoint),
                ];
                for number in place.into_iter().chain([row.wall, row.cpu]) {
                    out.write_all(&(number as f64).to_le_bytes())
                        .expect("the file is written");
                }
            }
        }
    }
    out.flush().expect("the file is written");
}

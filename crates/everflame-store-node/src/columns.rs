//! Trees and timelines as columns of numbers behind a heading (docs/api.md).

use crate::json::milliseconds;
use everflame_store::{Found, FrameName, Requests, Timeline, Tree, ValueType};
use serde_json::{Map, Value, json};

/// One column, as it stands in the file.
enum Column<'a> {
    Whole(&'a [u32]),
    Real(Vec<f64>),
}

impl Column<'_> {
    fn kind(&self) -> &'static str {
        match self {
            Column::Whole(_) => "u32",
            Column::Real(_) => "f64",
        }
    }

    fn len(&self) -> usize {
        match self {
            Column::Whole(values) => values.len(),
            Column::Real(values) => values.len(),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Column::Whole(values) => 4 * values.len(),
            Column::Real(values) => 8 * values.len(),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Column::Whole(values) => values
                .iter()
                .for_each(|value| out.extend(value.to_le_bytes())),
            Column::Real(values) => values
                .iter()
                .for_each(|value| out.extend(value.to_le_bytes())),
        }
    }
}

/// `found_b` is of the second selection, where two are compared.
pub(crate) fn tree(
    kind: &ValueType,
    found: &Found,
    found_b: Option<&Found>,
    tree: &Tree,
) -> Vec<u8> {
    let mut columns = vec![
        ("parent", Column::Whole(&tree.parent)),
        ("frame", Column::Whole(&tree.frame)),
        ("self", real(&tree.own[0])),
        ("total", real(&tree.total[0])),
    ];
    let mut heading = Map::new();
    let mut put = |name: &str, value: Value| heading.insert(name.to_owned(), value);
    put("type", json!(kind.name));
    put("unit", json!(kind.unit));
    put("total", json!(tree.sum(0)));
    put("from", json!(milliseconds(found.from)));
    put("to", json!(milliseconds(found.to)));
    put("seconds", json!(found.covered as f64 / 1e9));
    put(
        "damaged",
        json!(found.damaged + found_b.map_or(0, |found| found.damaged)),
    );
    if let Some(requests) = &found.requests {
        put("requests", divisor(requests));
    }
    if let Some(requests) = found_b.and_then(|found| found.requests.as_ref()) {
        put("requestsB", divisor(requests));
    }
    if let Some(found) = found_b {
        put("totalB", json!(tree.sum(1)));
        put("secondsB", json!(found.covered as f64 / 1e9));
        columns.push(("selfB", real(&tree.own[1])));
        columns.push(("totalB", real(&tree.total[1])));
    }
    put("nodes", json!(tree.parent.len()));
    put("omitted", json!(tree.omitted));
    put("frames", frames(&tree.frames));
    file(b"EFT1", heading, &columns)
}

/// Times are told from `from` on, in nanoseconds since the epoch.
pub(crate) fn timeline(timeline: &Timeline, from: i64, to: i64) -> Vec<u8> {
    let samples = &timeline.samples;
    let lane: Vec<u32> = samples.iter().map(|sample| sample.lane).collect();
    let node: Vec<u32> = samples.iter().map(|sample| sample.node).collect();
    let label: Vec<u32> = samples.iter().map(|sample| sample.label).collect();
    let columns = [
        ("parent", Column::Whole(&timeline.tree.parent)),
        ("frame", Column::Whole(&timeline.tree.frame)),
        ("lane", Column::Whole(&lane)),
        ("node", Column::Whole(&node)),
        (
            "end",
            Column::Real(
                samples
                    .iter()
                    .map(|sample| (sample.end - from) as f64 / 1e6)
                    .collect(),
            ),
        ),
        (
            "wall",
            Column::Real(samples.iter().map(|sample| sample.wall as f64).collect()),
        ),
        (
            "cpu",
            Column::Real(samples.iter().map(|sample| sample.cpu as f64).collect()),
        ),
        ("label", Column::Whole(&label)),
    ];
    let lanes: Vec<Value> = timeline
        .lanes
        .iter()
        .map(|lane| {
            json!({ "name": lane.name, "threadId": lane.thread_id, "runtimeId": lane.runtime_id, "kind": lane.kind })
        })
        .collect();
    let labels: Vec<Map<String, Value>> = timeline
        .labels
        .iter()
        .map(|texts| {
            texts
                .iter()
                .map(|(key, value)| (key.clone(), json!(value)))
                .collect()
        })
        .collect();
    let mut heading = Map::new();
    let mut put = |name: &str, value: Value| heading.insert(name.to_owned(), value);
    put("unit", json!("nanoseconds"));
    put("from", json!(milliseconds(from)));
    put("to", json!(milliseconds(to)));
    put("omitted", json!(timeline.omitted));
    put("damaged", json!(timeline.damaged));
    put("lanes", json!(lanes));
    put("labels", json!(labels));
    put("frames", frames(&timeline.tree.frames));
    file(b"EFL1", heading, &columns)
}

/// How many requests came, or why a sum cannot be divided by that.
fn divisor(requests: &Requests) -> Value {
    match requests.divisor() {
        Ok(count) => json!({ "count": count }),
        Err(reason) => json!({ "reason": reason.to_string() }),
    }
}

fn real(values: &[u64]) -> Column<'static> {
    Column::Real(values.iter().map(|value| *value as f64).collect())
}

fn frames(frames: &[FrameName]) -> Value {
    let all = |pick: &dyn Fn(&FrameName) -> Value| frames.iter().map(pick).collect::<Vec<_>>();
    json!({
        "name": all(&|frame| json!(frame.name)),
        "file": all(&|frame| json!(frame.file)),
        "line": all(&|frame| json!(frame.line)),
        "kind": all(&|frame| json!(frame.kind.name())),
        "package": all(&|frame| json!(frame.package)),
    })
}

/// Offsets stand in the heading, whose own length moves them: they are counted from its end, and written as from the start
/// of the file once that is known.
fn file(magic: &[u8; 4], mut heading: Map<String, Value>, columns: &[(&str, Column)]) -> Vec<u8> {
    let mut length = 0;
    let text = loop {
        let mut offset = 8 + length;
        let described: Vec<Value> = columns
            .iter()
            .map(|(name, column)| {
                let one = json!({ "name": name, "type": column.kind(), "offset": offset, "length": column.len() });
                offset += column.bytes().next_multiple_of(8);
                one
            })
            .collect();
        heading.insert("columns".to_owned(), json!(described));
        let text = json!(heading).to_string();
        if text.len() <= length {
            break text;
        }
        // Room for longer offsets: then the next text fits.
        length = (text.len() + 16 * columns.len()).next_multiple_of(8);
    };
    let mut out = Vec::with_capacity(
        8 + length
            + columns
                .iter()
                .map(|(_, column)| column.bytes() + 8)
                .sum::<usize>(),
    );
    out.extend(magic);
    out.extend((length as u32).to_le_bytes());
    out.extend(text.as_bytes());
    out.resize(8 + length, b' ');
    for (_, column) in columns {
        column.write(&mut out);
        out.resize(out.len().next_multiple_of(8), 0);
    }
    out
}

//! Answers as JSON: numbers whole, times in milliseconds.

use everflame_store::{
    Answer, Key, Maintained, Measure, MetricLine, Metrics, ProfileHead, Series, Service,
    SourceLine, Status, Table, ValueType,
};
use serde_json::{Map, Value, json};

pub(crate) fn milliseconds(nanoseconds: i64) -> f64 {
    nanoseconds.div_euclid(1_000_000) as f64 + nanoseconds.rem_euclid(1_000_000) as f64 / 1e6
}

fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

fn named(kind: &ValueType) -> Value {
    json!({ "name": kind.name, "unit": kind.unit })
}

pub(crate) fn services(services: &[Service]) -> Vec<u8> {
    let services: Vec<Value> = services
        .iter()
        .map(|service| {
            json!({
                "name": service.name,
                "from": milliseconds(service.from),
                "to": milliseconds(service.to),
                "profiles": service.profiles,
                "instances": service.instances,
                "types": service.types.iter().map(named).collect::<Vec<_>>(),
            })
        })
        .collect();
    bytes(&json!({ "services": services }))
}

pub(crate) fn labels(answer: &Answer<(Vec<Key>, u64)>) -> Vec<u8> {
    let (keys, total) = &answer.answer;
    let keys: Vec<Value> = keys
        .iter()
        .map(|key| {
            let values: Vec<Value> = key
                .values
                .iter()
                .map(|(value, total)| json!({ "value": value, "total": total }))
                .collect();
            json!({ "key": key.key, "isTag": key.is_tag, "values": values, "more": key.more })
        })
        .collect();
    bytes(
        &json!({ "type": answer.kind.name, "unit": answer.kind.unit, "total": total, "keys": keys }),
    )
}

pub(crate) fn profiles(profiles: &[ProfileHead], more: usize) -> Vec<u8> {
    let profiles: Vec<Value> = profiles
        .iter()
        .map(|profile| {
            let types: Vec<Value> = profile
                .types
                .iter()
                .map(
                    |(kind, total)| json!({ "name": kind.name, "unit": kind.unit, "total": total }),
                )
                .collect();
            let tags: Map<String, Value> = profile
                .tags
                .iter()
                .map(|(key, value)| (key.clone(), json!(value)))
                .collect();
            json!({
                "id": profile.id,
                "from": milliseconds(profile.from),
                "to": milliseconds(profile.to),
                "kind": profile.kind,
                "types": types,
                "tags": tags,
                "samples": profile.samples,
            })
        })
        .collect();
    bytes(&json!({ "profiles": profiles, "more": more }))
}

pub(crate) fn series(answer: &Answer<Series>, from: i64) -> Vec<u8> {
    let lines: Vec<Value> = answer
        .answer
        .lines
        .iter()
        .map(|line| json!({ "name": line.name, "values": line.values }))
        .collect();
    bytes(&json!({
        "type": answer.kind.name,
        "unit": answer.kind.unit,
        "from": milliseconds(from),
        "step": milliseconds(answer.answer.step),
        "series": lines,
    }))
}

pub(crate) fn metrics(answer: &Metrics, from: i64) -> Vec<u8> {
    // Lines of one measure follow each other.
    let metrics: Vec<Value> = answer
        .lines
        .chunk_by(|a, b| a.measure == b.measure)
        .map(|lines| {
            let (name, unit) = measured(lines[0].measure);
            json!({ "name": name, "unit": unit, "series": lines.iter().map(metric).collect::<Vec<_>>() })
        })
        .collect();
    bytes(&json!({
        "from": milliseconds(from),
        "step": milliseconds(answer.step),
        "processes": answer.processes,
        "ignored": answer.ignored,
        "damaged": answer.damaged,
        "metrics": metrics,
    }))
}

fn measured(measure: Measure) -> (&'static str, &'static str) {
    match measure {
        Measure::Delay => ("delay", "nanoseconds"),
        Measure::Active => ("active", "ratio"),
        Measure::Heap => ("heap", "bytes"),
        Measure::Rss => ("rss", "bytes"),
    }
}

fn metric(line: &MetricLine) -> Value {
    match &line.mean {
        Some(mean) => json!({ "name": line.name, "max": line.max, "mean": mean }),
        None => json!({ "name": line.name, "max": line.max }),
    }
}

pub(crate) fn table(answer: &Answer<(Table, u64)>) -> Vec<u8> {
    let (table, total) = &answer.answer;
    let rows: Vec<Value> = table
        .rows
        .iter()
        .map(|row| {
            json!({
                "name": row.frame.name,
                "file": row.frame.file,
                "line": row.frame.line,
                "kind": row.frame.kind.name(),
                "package": row.frame.package,
                "self": row.own,
                "total": row.total,
            })
        })
        .collect();
    bytes(&json!({
        "type": answer.kind.name,
        "unit": answer.kind.unit,
        "total": total,
        "rows": rows,
        "more": table.more,
    }))
}

pub(crate) fn lines(answer: &Answer<(Vec<SourceLine>, u64)>) -> Vec<u8> {
    let (lines, total) = &answer.answer;
    let lines: Vec<Value> = lines
        .iter()
        .map(|line| json!({ "line": line.line, "self": line.own, "total": line.total }))
        .collect();
    bytes(
        &json!({ "type": answer.kind.name, "unit": answer.kind.unit, "total": total, "lines": lines }),
    )
}

pub(crate) fn status(status: &Status) -> Vec<u8> {
    bytes(&json!({
        "path": status.folder.to_string_lossy(),
        "bytes": status.bytes,
        "profiles": status.profiles,
        "metricsLeftOut": status.left_out,
    }))
}

pub(crate) fn maintained(done: &Maintained) -> Vec<u8> {
    bytes(&json!({
        "rolled": done.rolled,
        "aged": done.aged,
        "agedHours": done.aged_hours,
        "evicted": done.evicted,
    }))
}

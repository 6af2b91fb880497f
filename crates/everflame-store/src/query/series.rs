//! Sums in steps of time.

use super::kinds::{self, Kinds};
use super::scan::{Found, Head, Matcher, Scanned, scan};
use super::selection::Picked;
use super::step_cells::Steps;
use crate::dictionaries::Dictionaries;
use crate::error::StoreError;
use rusqlite::Connection;
use rustc_hash::FxHashMap;

/// Name of what is beyond the limit.
const OTHERS: &str = "(other)";
/// By which samples are told apart by what ran in them, in place of a key.
const BY_KIND: &str = "kind";
/// Parts into which the time of a profile is divided: each of its sums is a whole number of them in each step, and so those of
/// groups add up to that of all. A millisecond of a minute.
const PARTS: i128 = 1 << 16;

/// One line over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub name: String,
    /// One sum for each step.
    pub values: Vec<f64>,
}

/// Sums in steps, from the selection's beginning on.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// Nanoseconds: what was asked for, or as much as makes no more steps than an answer has.
    pub step: i64,
    pub lines: Vec<Line>,
    pub found: Found,
}

pub(crate) fn series(
    connection: &Connection,
    dictionaries: &Dictionaries,
    picked: &Picked,
    step: i64,
    by: Option<&str>,
    most: usize,
) -> Result<Series, StoreError> {
    let selection = picked.selection;
    let divided = Steps::new(selection.from, selection.to, step);
    let (step, steps) = (divided.step, divided.count());
    let by_kind = by == Some(BY_KIND);
    let mut matcher = Matcher::new(picked, by.filter(|_| !by_kind));
    let mut kinds_of: FxHashMap<i64, Kinds> = FxHashMap::default();
    let mut lines: Vec<Points> = Vec::new();
    let found = scan(
        connection,
        dictionaries,
        &mut matcher,
        |Scanned {
             head,
             epoch,
             dictionary,
             block,
             kind,
             factor,
             groups,
             ..
         }| {
            let mut sums: Vec<u64> = Vec::new();
            if by_kind {
                let kinds = kinds_of.entry(epoch).or_default();
                kinds.grow(dictionary);
                sums.resize(kinds::COUNT, 0);
                block.each(kind, dictionary.node_count(), |node, set, value| {
                    let value = value.saturating_mul(factor);
                    if groups[set as usize].is_some() {
                        let sum = &mut sums[kinds.of(node)];
                        *sum = sum.saturating_add(value);
                    }
                })?;
            } else {
                block.each(kind, dictionary.node_count(), |_, set, value| {
                    let value = value.saturating_mul(factor);
                    if let Some(group) = groups[set as usize] {
                        if sums.len() <= group as usize {
                            sums.resize(group as usize + 1, 0);
                        }
                        sums[group as usize] = sums[group as usize].saturating_add(value);
                    }
                })?;
            }
            for (group, sum) in sums.into_iter().enumerate().filter(|(_, sum)| *sum > 0) {
                if lines.len() <= group {
                    lines.resize_with(group + 1, Points::default);
                }
                lines[group].spread(head, selection.from, step, steps, i128::from(sum));
            }
            Ok(())
        },
    )?;
    let mut named: Vec<(String, Points)> = match by_kind {
        true => lines
            .into_iter()
            .enumerate()
            .filter(|(_, points)| points.sum() > 0)
            .map(|(kind, points)| (kinds::name_of(kind).to_owned(), points))
            .collect(),
        false => matcher.groups.into_iter().zip(lines).collect(),
    };
    named.sort_by(|(a, left), (b, right)| right.sum().cmp(&left.sum()).then_with(|| a.cmp(b)));
    let rest = match named.len() > most {
        true => named.split_off(most.max(1) - usize::from(most > 1)),
        false => Vec::new(),
    };
    let name_of = |name: String| match name.is_empty() && by.is_some() {
        true => "(none)".to_owned(),
        false => name,
    };
    let mut lines: Vec<Line> = named
        .into_iter()
        .map(|(name, points)| Line {
            name: name_of(name),
            values: points.values(steps),
        })
        .collect();
    if !rest.is_empty() {
        let mut others = vec![0; steps];
        rest.iter()
            .for_each(|(_, points)| points.add_to(&mut others));
        lines.push(Line {
            name: OTHERS.to_owned(),
            values: others.into_iter().map(whole).collect(),
        });
    }
    Ok(Series { step, lines, found })
}

/// The sum of parts.
fn whole(parts: i128) -> f64 {
    parts as f64 / PARTS as f64
}

/// The values of one line in parts, by step. A line for each value of a label can have a few of many steps.
#[derive(Default)]
struct Points(Vec<(u32, i128)>);

impl Points {
    fn add(&mut self, index: usize, parts: i128) {
        match self.0.last_mut() {
            // Blocks come in the order of time.
            Some((last, sum)) if *last as usize == index => *sum += parts,
            _ => self.0.push((index as u32, parts)),
        }
    }

    fn sum(&self) -> i128 {
        self.0.iter().map(|(_, parts)| parts).sum()
    }

    fn values(&self, steps: usize) -> Vec<f64> {
        let mut values = vec![0; steps];
        self.add_to(&mut values);
        values.into_iter().map(whole).collect()
    }

    fn add_to(&self, values: &mut [i128]) {
        for (index, parts) in &self.0 {
            values[*index as usize] += parts;
        }
    }

    /// Divides a sum among the steps over which its profile reaches. What reaches beyond the range stays in its first or last
    /// step, so that the sum is that of every other answer.
    fn spread(&mut self, head: &Head, from: i64, step: i64, steps: usize, sum: i128) {
        let Some(last) = steps.checked_sub(1) else {
            return;
        };
        let index_of = |at: i64| (at.saturating_sub(from).max(0) / step).min(last as i64) as usize;
        let length = head.end - head.start;
        if length <= 0 {
            self.add(index_of(head.middle), sum * PARTS);
            return;
        }
        let (first, end) = (index_of(head.start), index_of(head.end - 1));
        let mut given = 0;
        for index in first..=end {
            let ends = match index == end {
                true => head.end,
                false => from + (index as i64 + 1) * step,
            };
            let until = i128::from(ends - head.start) * PARTS / i128::from(length);
            self.add(index, sum * (until - given));
            given = until;
        }
    }
}

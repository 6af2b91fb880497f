//! Sums in steps of time.

use super::scan::{Found, Head, Matcher, Scanned, scan};
use super::selection::Picked;
use crate::dictionaries::Dictionaries;
use crate::error::StoreError;
use rusqlite::Connection;

/// Name of what is beyond the limit.
const OTHERS: &str = "(other)";
/// Steps of one answer: more than a screen has points.
const MOST_STEPS: i64 = 20_000;

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
    let span = selection.to.saturating_sub(selection.from).max(0);
    let step = step.max(1).max(span / MOST_STEPS + 1);
    let steps = (span / step + i64::from(span % step != 0)) as usize;
    let mut matcher = Matcher::new(picked, by);
    let mut lines: Vec<Points> = Vec::new();
    let found = scan(
        connection,
        dictionaries,
        &mut matcher,
        |Scanned {
             head,
             dictionary,
             block,
             kind,
             factor,
             groups,
             ..
         }| {
            let mut sums: Vec<u64> = Vec::new();
            block.each(kind, dictionary.node_count(), |_, set, value| {
                let value = value.saturating_mul(factor);
                if let Some(group) = groups[set as usize] {
                    if sums.len() <= group as usize {
                        sums.resize(group as usize + 1, 0);
                    }
                    sums[group as usize] = sums[group as usize].saturating_add(value);
                }
            })?;
            for (group, sum) in sums.into_iter().enumerate().filter(|(_, sum)| *sum > 0) {
                if lines.len() <= group {
                    lines.resize_with(group + 1, Points::default);
                }
                lines[group].spread(head, selection.from, step, steps, sum as f64);
            }
            Ok(())
        },
    )?;
    let mut named: Vec<(String, Points)> = matcher.groups.into_iter().zip(lines).collect();
    named
        .sort_by(|(a, left), (b, right)| right.sum().total_cmp(&left.sum()).then_with(|| a.cmp(b)));
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
        let mut values = vec![0.0; steps];
        rest.iter()
            .for_each(|(_, points)| points.add_to(&mut values));
        lines.push(Line {
            name: OTHERS.to_owned(),
            values,
        });
    }
    Ok(Series { step, lines, found })
}

/// The values of one line, by step. A line for each value of a label can have a few of many steps.
#[derive(Default)]
struct Points(Vec<(u32, f64)>);

impl Points {
    fn add(&mut self, index: usize, value: f64) {
        match self.0.last_mut() {
            // Blocks come in the order of time.
            Some((last, sum)) if *last as usize == index => *sum += value,
            _ => self.0.push((index as u32, value)),
        }
    }

    fn sum(&self) -> f64 {
        self.0.iter().map(|(_, value)| value).sum()
    }

    fn values(&self, steps: usize) -> Vec<f64> {
        let mut values = vec![0.0; steps];
        self.add_to(&mut values);
        values
    }

    fn add_to(&self, values: &mut [f64]) {
        for (index, value) in &self.0 {
            values[*index as usize] += value;
        }
    }

    /// Divides a sum among the steps over which its profile reaches. What reaches beyond the range stays in its first or last
    /// step, so that the sum is that of every other answer.
    fn spread(&mut self, head: &Head, from: i64, step: i64, steps: usize, sum: f64) {
        let Some(last) = steps.checked_sub(1) else {
            return;
        };
        let index_of = |at: i64| (at.saturating_sub(from).max(0) / step).min(last as i64) as usize;
        let length = head.end - head.start;
        if length <= 0 {
            self.add(index_of(head.middle), sum);
            return;
        }
        let (first, end) = (index_of(head.start), index_of(head.end - 1));
        for index in first..=end {
            let begins = match index == first {
                true => head.start,
                false => from + index as i64 * step,
            };
            let ends = match index == end {
                true => head.end,
                false => from + (index as i64 + 1) * step,
            };
            self.add(index, sum * (ends - begins) as f64 / length as f64);
        }
    }
}

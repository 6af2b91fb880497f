//! Sums in steps of time.

use super::scan::{Found, Head, Matcher, Scanned, scan};
use super::selection::Picked;
use crate::dictionaries::Dictionaries;
use crate::error::StoreError;
use rusqlite::Connection;

/// Name of what is beyond the limit.
const OTHERS: &str = "(other)";
/// Steps of one answer: more than a screen has points.
pub const MOST_STEPS: i64 = 20_000;

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
    let mut lines: Vec<Vec<f64>> = Vec::new();
    let found = scan(
        connection,
        dictionaries,
        &mut matcher,
        |Scanned {
             head,
             dictionary,
             block,
             kind,
             groups,
             ..
         }| {
            let mut sums: Vec<u64> = Vec::new();
            block.each(kind, dictionary.node_count(), |_, set, value| {
                if let Some(group) = groups[set as usize] {
                    if sums.len() <= group as usize {
                        sums.resize(group as usize + 1, 0);
                    }
                    sums[group as usize] = sums[group as usize].saturating_add(value);
                }
            })?;
            for (group, sum) in sums.into_iter().enumerate().filter(|(_, sum)| *sum > 0) {
                if lines.len() <= group {
                    lines.resize(group + 1, vec![0.0; steps]);
                }
                spread(&mut lines[group], head, selection.from, step, sum as f64);
            }
            Ok(())
        },
    )?;
    let names = matcher.groups.into_iter();
    let mut lines: Vec<Line> = names
        .zip(lines)
        .map(|(name, values)| Line {
            name: if name.is_empty() && by.is_some() {
                "(none)".to_owned()
            } else {
                name
            },
            values,
        })
        .collect();
    let sum = |line: &Line| line.values.iter().sum::<f64>();
    lines.sort_by(|a, b| sum(b).total_cmp(&sum(a)).then_with(|| a.name.cmp(&b.name)));
    if lines.len() > most {
        let rest = lines.split_off(most.max(1) - usize::from(most > 1));
        let values = (0..steps)
            .map(|index| rest.iter().map(|line| line.values[index]).sum())
            .collect();
        lines.push(Line {
            name: OTHERS.to_owned(),
            values,
        });
    }
    Ok(Series { step, lines, found })
}

/// Divides a sum among the steps over which its profile reaches. What reaches beyond the range stays in its first or last step,
/// so that the sum is that of every other answer.
fn spread(values: &mut [f64], head: &Head, from: i64, step: i64, sum: f64) {
    let Some(last) = values.len().checked_sub(1) else {
        return;
    };
    let index_of = |at: i64| (at.saturating_sub(from).max(0) / step).min(last as i64) as usize;
    let length = head.end - head.start;
    if length <= 0 {
        values[index_of(head.middle)] += sum;
        return;
    }
    let (first, end) = (index_of(head.start), index_of(head.end - 1));
    for (index, value) in values.iter_mut().enumerate().take(end + 1).skip(first) {
        let begins = if index == first {
            head.start
        } else {
            from + index as i64 * step
        };
        let ends = if index == end {
            head.end
        } else {
            from + (index as i64 + 1) * step
        };
        *value += sum * (ends - begins) as f64 / length as f64;
    }
}

//! What a period's profile says of its seconds: event loops, heaps, resident memory.

use std::ops::Range;

use super::meter::{KEPT, SECOND, Seconds, Taken, Thread};
use super::watch::watched;

/// Before the series in the comment of a profile that has them; the collector's store reads it.
const PREFIX: &str = "everflame.metrics:";

/// Most steps of a series; a longer period has longer steps.
const STEPS: u64 = 600;

/// Most threads in a profile: the main one, and those that worked most.
const THREADS: usize = 16;

/// One thread's seconds.
struct History {
    thread: Thread,
    /// First and last second in which the loop was watched.
    since: u64,
    until: u64,
    seconds: Seconds,
}

impl History {
    fn first(&self) -> u64 {
        let first = self.seconds.iter().next();
        first.map_or(self.since, |first| self.since.min(first.at))
    }

    fn active(&self) -> u64 {
        self.seconds.iter().map(|second| second.active).sum()
    }

    /// Whether anything is known of these seconds: of one of which nothing was said while the loop was watched, that it was wait.
    fn knows(&self, seconds: Range<u64>) -> bool {
        (seconds.start <= self.until && self.since < seconds.end)
            || self.seconds.within(seconds).next().is_some()
    }
}

/// The seconds of a period.
#[derive(Default)]
pub struct Series {
    threads: Vec<History>,
    /// Bytes by the second, in order.
    resident: Vec<(u64, u64)>,
}

impl Series {
    /// Adds what happened on every event loop up to `now`, on the monotonic clock.
    pub fn collect(&mut self, now: u64) {
        let Some(mut watched) = watched() else { return };
        watched.retain(|shared| {
            let (taken, is_watched) = shared.take(now);
            if let Some(taken) = taken {
                self.add(&shared.thread, &taken, now);
            }
            is_watched
        });
    }

    fn add(&mut self, thread: &Thread, taken: &Taken, now: u64) {
        let known = self
            .threads
            .iter()
            .position(|history| history.thread == *thread);
        let place = known.unwrap_or_else(|| {
            self.threads.push(History {
                thread: thread.clone(),
                since: taken.since,
                until: 0,
                seconds: Seconds::default(),
            });
            self.threads.len() - 1
        });
        let history = &mut self.threads[place];
        history.until = now / SECOND;
        for second in taken.seconds.iter() {
            let known = history.seconds.at(second.at);
            known.delay = known.delay.max(second.delay);
            known.active += second.active;
            known.heap = second.heap.or(known.heap);
        }
    }

    /// Looks at the process's memory, once a second.
    pub fn look_at_memory(&mut self, now: u64) {
        let at = now / SECOND;
        if self.resident.last().is_none_or(|(last, _)| *last < at)
            && let Some(bytes) = resident_bytes()
        {
            if self.resident.len() >= KEPT {
                self.resident.remove(0);
            }
            self.resident.push((at, bytes));
        }
    }

    /// The period is over.
    pub fn clear(&mut self) {
        *self = Series::default();
    }

    /// The comment with the series up to `end`, both on the monotonic clock; `realtime_offset` makes it time since the Unix epoch.
    /// `None` where nothing is known.
    pub fn comment(&self, end: u64, realtime_offset: i64) -> Option<String> {
        let begins = self.threads.iter().map(History::first);
        let seen = self.resident.first().map(|(at, _)| *at);
        let behind = end / SECOND + 1;
        let first = begins.chain(seen).min()?;
        let first = first.max(behind.saturating_sub(KEPT as u64));
        let length = behind.saturating_sub(first);
        let step = length.div_ceil(STEPS).max(1);
        let steps = Steps {
            first,
            step,
            count: length.div_ceil(step),
        };
        // Whole milliseconds, as the collector's times are.
        let start = (first * SECOND) as i64 / 1_000_000 + realtime_offset / 1_000_000;
        let step = step * 1000;
        let mut json = format!("{PREFIX}{{\"start\":{start},\"step\":{step},\"threads\":[");
        for (index, history) in self.largest().into_iter().enumerate() {
            if index > 0 {
                json.push(',');
            }
            write_thread(&mut json, history, &steps);
        }
        json.push(']');
        write_list(&mut json, "rss_kib", &steps, |seconds| {
            let within = self.resident.iter().filter(|(at, _)| seconds.contains(at));
            within.map(|(_, bytes)| bytes / 1024).max()
        });
        json.push('}');
        Some(json)
    }

    fn largest(&self) -> Vec<&History> {
        let mut threads: Vec<_> = self.threads.iter().collect();
        // The main thread, then those that worked most.
        threads.sort_by_key(|history| (history.thread.id != 0, u64::MAX - history.active()));
        threads.truncate(THREADS);
        threads.sort_by_key(|history| history.thread.id);
        threads
    }
}

/// The steps into which a period is divided, in seconds of the monotonic clock.
struct Steps {
    first: u64,
    step: u64,
    count: u64,
}

/// In the units that the names say; what is rounded up is not zero.
fn write_thread(json: &mut String, history: &History, steps: &Steps) {
    let Thread { id, name } = &history.thread;
    json.push_str(&format!("{{\"id\":\"{id}\",\"name\":"));
    write_text(json, name);
    write_list(json, "delay_us", steps, |seconds| {
        let delays = history.seconds.within(seconds.clone());
        let delay = delays.map(|second| second.delay).max().unwrap_or(0);
        history.knows(seconds).then(|| delay.div_ceil(1000))
    });
    write_list(json, "active_us", steps, |seconds| {
        let within = history.seconds.within(seconds.clone());
        let active: u64 = within.map(|second| second.active).sum();
        history.knows(seconds).then(|| active.div_ceil(1000))
    });
    write_list(json, "heap_kib", steps, |seconds| {
        let heaps = history.seconds.within(seconds);
        heaps
            .filter_map(|second| second.heap)
            .max()
            .map(|bytes| bytes / 1024)
    });
    json.push('}');
}

/// One value for the seconds of each step, `null` where there is none.
fn write_list(
    json: &mut String,
    name: &str,
    steps: &Steps,
    value: impl Fn(Range<u64>) -> Option<u64>,
) {
    json.push_str(&format!(",\"{name}\":["));
    for index in 0..steps.count {
        if index > 0 {
            json.push(',');
        }
        let from = steps.first + index * steps.step;
        match value(from..from + steps.step) {
            Some(value) => json.push_str(&value.to_string()),
            None => json.push_str("null"),
        }
    }
    json.push(']');
}

/// JSON (RFC 8259, section 7).
fn write_text(json: &mut String, text: &str) {
    json.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => json.extend(['\\', character]),
            '\0'..='\x1f' => json.push_str(&format!("\\u{:04x}", character as u32)),
            _ => json.push(character),
        }
    }
    json.push('"');
}

/// The second number of `/proc/self/statm`, in pages (proc(5)).
fn resident_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
    // SAFETY: takes a number and returns one.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    Some(pages * u64::try_from(size).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn main_thread() -> Thread {
        Thread {
            id: 0,
            name: "main".to_owned(),
        }
    }

    fn taken(since: u64, seconds: &[(u64, u64, u64)]) -> Taken {
        let mut taken = Taken {
            since,
            seconds: Seconds::default(),
        };
        for (at, delay, active) in seconds {
            let second = taken.seconds.at(*at);
            second.delay = delay * MS;
            second.active = active * MS;
            second.heap = Some(at * 1024);
        }
        taken
    }

    fn json(series: &Series, end: u64) -> serde_json::Value {
        let comment = series.comment(end * SECOND, 5_000_000).unwrap();
        serde_json::from_str(comment.strip_prefix(PREFIX).unwrap()).unwrap()
    }

    #[test]
    fn every_second_of_a_watched_loop_has_a_value_and_no_other() {
        let mut series = Series::default();
        series.add(
            &main_thread(),
            &taken(10, &[(10, 7, 11), (12, 3, 5)]),
            13 * SECOND,
        );
        series.resident.push((8, 4096));
        let json = json(&series, 14);
        assert_eq!(json["start"], 8_005);
        assert_eq!(json["step"], 1_000);
        let thread = &json["threads"][0];
        assert_eq!(thread["id"], "0");
        let expected = serde_json::json!([null, null, 7_000, 0, 3_000, 0, null]);
        assert_eq!(thread["delay_us"], expected);
        let expected = serde_json::json!([null, null, 11_000, 0, 5_000, 0, null]);
        assert_eq!(thread["active_us"], expected);
        let expected = serde_json::json!([null, null, 10, null, 12, null, null]);
        assert_eq!(thread["heap_kib"], expected);
        let expected = serde_json::json!([4, null, null, null, null, null, null]);
        assert_eq!(json["rss_kib"], expected);
    }

    #[test]
    fn what_is_told_twice_of_a_second_is_added_up() {
        let mut series = Series::default();
        series.add(&main_thread(), &taken(10, &[(10, 7, 11)]), 10 * SECOND);
        series.add(&main_thread(), &taken(10, &[(10, 5, 13)]), 10 * SECOND);
        let json = json(&series, 10);
        assert_eq!(json["threads"][0]["delay_us"], serde_json::json!([7_000]));
        assert_eq!(json["threads"][0]["active_us"], serde_json::json!([24_000]));
    }

    #[test]
    fn an_older_second_than_the_period_comes_first() {
        let mut series = Series::default();
        series.add(
            &main_thread(),
            &taken(10, &[(9, 1_500, 0), (10, 500, 500)]),
            10 * SECOND,
        );
        let json = json(&series, 10);
        assert_eq!(json["start"], 9_005);
        assert_eq!(
            json["threads"][0]["delay_us"],
            serde_json::json!([1_500_000, 500_000])
        );
    }

    #[test]
    fn a_long_period_has_longer_steps_that_keep_the_sum_and_the_longest() {
        let mut series = Series::default();
        let seconds: Vec<_> = (0..1_801).map(|at| (at, at % 97, at % 13)).collect();
        series.add(&main_thread(), &taken(0, &seconds), 1_800 * SECOND);
        let json = json(&series, 1_800);
        assert_eq!(json["step"], 4_000);
        let list = |name: &str| -> Vec<u64> {
            let list = json["threads"][0][name].as_array().unwrap().iter();
            list.map(|value| value.as_u64().unwrap()).collect()
        };
        assert_eq!(list("delay_us").len(), 451);
        let active: u64 = seconds.iter().map(|(_, _, active)| active * 1_000).sum();
        assert_eq!(list("active_us").iter().sum::<u64>(), active);
        assert_eq!(list("delay_us").into_iter().max(), Some(96_000));
    }

    const HOSTILE: &str = "a \"quoted\" \\ name\nof\0\u{1f}\u{7f} é 🔥";

    #[test]
    fn of_many_threads_the_main_one_and_the_busiest_are_told() {
        let mut series = Series::default();
        for id in 0..100 {
            let thread = Thread {
                id,
                name: HOSTILE.to_owned(),
            };
            series.add(&thread, &taken(1, &[(1, 1, u64::from(id))]), SECOND);
        }
        let json = json(&series, 1);
        assert_eq!(json["threads"][3]["name"], HOSTILE);
        let ids: Vec<_> = json["threads"]
            .as_array()
            .unwrap()
            .iter()
            .map(|thread| thread["id"].as_str().unwrap().to_owned())
            .collect();
        let expected: Vec<_> = std::iter::once(0)
            .chain(85..100)
            .map(|id| id.to_string())
            .collect();
        assert_eq!(ids, expected);
    }

    #[test]
    fn nothing_is_told_where_nothing_is_known() {
        assert_eq!(Series::default().comment(SECOND, 0), None);
    }
}

//! The thread that reads maps, so that neither a slow disk nor a large map holds up sampling, and what it is asked.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::declared::DeclaredMap;
use super::original::{Original, Question, original};
use super::reader::{Found, Reader};

/// Behind threads of the program that have work to do, and yet done with a map of 10 MB in half a second on a CPU that is
/// busy (setpriority(2): about a third of the share of a thread at 0).
const NICE: libc::c_int = 5;

/// Names a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket(pub u64);

/// What is known of a question. `None`: the frame stays as it is.
#[derive(Debug)]
pub struct Answer {
    pub ticket: Ticket,
    pub original: Option<Original>,
}

/// Where questions are put. The thread starts with the first one, and lives as long as the process.
#[derive(Default)]
pub struct SourceMaps {
    shared: Arc<Shared>,
    started: bool,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    asked: Condvar,
    answers: Mutex<Vec<Answer>>,
    answered: Condvar,
    /// A script that was sampled names a map that is not there.
    has_missing: AtomicBool,
}

#[derive(Default)]
struct Queue {
    questions: Vec<Asked>,
    /// Of maps that were read and did not stay for lack of room: answered when a profile is to be made.
    deferred: Vec<Asked>,
    /// A profile is being made.
    hurried: bool,
    table_limit: usize,
}

struct Asked {
    ticket: Ticket,
    question: Question,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SourceMaps {
    /// Most bytes of tables kept.
    pub fn limit(&self, bytes: usize) {
        lock(&self.shared.queue).table_limit = bytes;
    }

    pub fn ask(&mut self, ticket: Ticket, question: Question) {
        question.map.keep();
        if !self.started && !self.start() {
            lock(&self.shared.answers).push(Answer {
                ticket,
                original: None,
            });
            return;
        }
        let asked = Asked { ticket, question };
        lock(&self.shared.queue).questions.push(asked);
        self.shared.asked.notify_one();
    }

    /// Answers since the last call. Waits for one where there is none, at most `limit`.
    pub fn answers(&self, limit: Duration) -> Vec<Answer> {
        let answers = lock(&self.shared.answers);
        let (mut answers, _) = self
            .shared
            .answered
            .wait_timeout_while(answers, limit, |answers| answers.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *answers)
    }

    /// While a profile is being made, what was put off is answered too.
    pub fn hurry(&self, hurried: bool) {
        let mut queue = lock(&self.shared.queue);
        queue.hurried = hurried;
        if hurried {
            let deferred = std::mem::take(&mut queue.deferred);
            queue.questions.extend(deferred);
            self.shared.asked.notify_one();
        }
    }

    /// Whether a script that was sampled names a map that is not there.
    pub fn has_missing(&self) -> bool {
        self.shared.has_missing.load(Ordering::Relaxed)
    }

    /// False where threads are out.
    fn start(&mut self) -> bool {
        let shared = Arc::clone(&self.shared);
        let work = move || {
            crate::signal::mask_all_signals();
            // SAFETY: changes this thread's own priority; 0 names the caller. Refused, it is as any other thread.
            unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICE) };
            shared.work();
        };
        let thread = std::thread::Builder::new().name("everflame-map".to_owned());
        self.started = thread.spawn(work).is_ok();
        self.started
    }
}

impl Shared {
    fn work(&self) {
        let mut reader = Reader::default();
        loop {
            let mut queue = self
                .asked
                .wait_while(lock(&self.queue), |queue| queue.questions.is_empty())
                .unwrap_or_else(PoisonError::into_inner);
            let mut questions = std::mem::take(&mut queue.questions);
            reader.limit(queue.table_limit);
            drop(queue);
            // A table that does not stay serves all questions of its map.
            questions.sort_by_key(|asked| Arc::as_ptr(&asked.question.map).addr());
            while let Some(last) = questions.last() {
                let map = Arc::clone(&last.question.map);
                let first = questions.partition_point(|asked| {
                    Arc::as_ptr(&asked.question.map).addr() < Arc::as_ptr(&map).addr()
                });
                self.answer(&mut reader, &map, questions.split_off(first));
            }
        }
    }

    /// Answers questions about one map.
    fn answer(&self, reader: &mut Reader, map: &DeclaredMap, questions: Vec<Asked>) {
        let hurried = lock(&self.queue).hurried;
        let table = match reader.table(map, hurried) {
            Found::Table(table) => Some(table),
            Found::Nothing => None,
            Found::Later => {
                let mut queue = lock(&self.queue);
                // A profile that is being made since then waits for them.
                let place = match queue.hurried {
                    true => &mut queue.questions,
                    false => &mut queue.deferred,
                };
                place.extend(questions);
                return;
            }
        };
        if reader.has_missing() {
            self.has_missing.store(true, Ordering::Relaxed);
        }
        // Every question has an answer, or each profile waits for it.
        let found = |question: &Question| {
            let table = table.as_ref()?;
            catch_unwind(AssertUnwindSafe(|| original(table, question))).ok()?
        };
        let answers: Vec<Answer> = questions
            .into_iter()
            .map(|asked| Answer {
                ticket: asked.ticket,
                original: found(&asked.question),
            })
            .collect();
        lock(&self.answers).extend(answers);
        self.answered.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::super::{MapUrl, Position, configure, declare, held_bytes};
    use super::*;

    fn ask(maps: &mut SourceMaps, number: u64, map: &Arc<DeclaredMap>) {
        let question = Question {
            map: Arc::clone(map),
            at: Position::default(),
            start: Position::default(),
            name: "f".into(),
        };
        maps.ask(Ticket(number), question);
    }

    /// The file that the next question's answer names.
    fn answer(maps: &SourceMaps, number: u64) -> Option<String> {
        let answers = maps.answers(Duration::from_secs(20));
        let [answer] = &answers[..] else {
            panic!("{answers:?}");
        };
        assert_eq!(answer.ticket, Ticket(number));
        Some(answer.original.as_ref()?.file.to_string())
    }

    #[test]
    fn maps_are_found_kept_and_given_up() {
        configure(true, 1 << 20);
        let folder = std::env::temp_dir().join(format!("everflame-ask-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let script = folder.join("x.js");
        let script = script.to_str().unwrap();
        let map = r#"{"version":3,"sources":["x.ts"],"names":[],"mappings":"AAAA"}"#;
        let expected = folder.join("x.ts").to_string_lossy().into_owned();
        let mut maps = SourceMaps::default();

        let inline = |size: usize| {
            let text = format!("data:application/json,{map}{}", " ".repeat(size));
            declare(script, size, 0, MapUrl::Inline(text.into_bytes().into())).unwrap()
        };
        let first = inline(0);
        assert!(Arc::ptr_eq(&first, &inline(0)), "one for all isolates");
        ask(&mut maps, 1, &first);
        assert_eq!(answer(&maps, 1), Some(expected.clone()));
        // Room for one text beside what is sampled.
        configure(true, held_bytes() + 350);
        let (second, third) = (inline(100), inline(200));
        ask(&mut maps, 2, &second);
        assert_eq!(
            answer(&maps, 2),
            None,
            "the oldest that was not sampled is given up"
        );
        assert!(!second.is_wanted());
        ask(&mut maps, 3, &third);
        assert_eq!(answer(&maps, 3), Some(expected.clone()));

        std::fs::write(format!("{script}.map"), map).unwrap();
        let beside = declare(script, (), i64::MAX, MapUrl::None).unwrap();
        // No table stays: the map is read another time when a profile is to be made.
        maps.limit(0);
        ask(&mut maps, 4, &beside);
        assert_eq!(answer(&maps, 4), Some(expected.clone()));
        ask(&mut maps, 5, &beside);
        assert!(maps.answers(Duration::from_millis(200)).is_empty());
        maps.hurry(true);
        assert_eq!(answer(&maps, 5), Some(expected));
        maps.hurry(false);

        assert!(!maps.has_missing());
        let missing = declare(script, (), 0, MapUrl::Address("y.map".into())).unwrap();
        ask(&mut maps, 6, &missing);
        assert_eq!(answer(&maps, 6), None);
        assert!(maps.has_missing());
        std::fs::remove_dir_all(&folder).unwrap();
        configure(false, 0);
    }
}

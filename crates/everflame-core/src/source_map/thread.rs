//! The thread that reads maps, so that neither a slow disk nor a large map holds up sampling, and what it is asked.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

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
    table_limit: usize,
}

struct Asked {
    ticket: Ticket,
    question: Question,
    /// Also where a map has to be read another time for it.
    now: bool,
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
        lock(&self.shared.queue).questions.push(Asked {
            ticket,
            question,
            now: false,
        });
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

    /// A profile is to be made: what was put off is answered now.
    pub fn hurry(&self) {
        let mut queue = lock(&self.shared.queue);
        let deferred = std::mem::take(&mut queue.deferred);
        queue.questions.extend(deferred);
        queue
            .questions
            .iter_mut()
            .for_each(|asked| asked.now = true);
        self.shared.asked.notify_one();
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
            for of_one in questions.chunk_by(|a, b| Arc::ptr_eq(&a.question.map, &b.question.map)) {
                self.answer(&mut reader, of_one);
            }
        }
    }

    /// Answers questions about one map.
    fn answer(&self, reader: &mut Reader, questions: &[Asked]) {
        let Some(first) = questions.first() else {
            return;
        };
        let now = questions.iter().any(|asked| asked.now);
        let table = match reader.table(&first.question.map, now) {
            Found::Table(table) => Some(table),
            Found::Nothing => None,
            Found::Later => {
                let again = questions.iter().map(|asked| Asked {
                    ticket: asked.ticket,
                    question: asked.question.clone(),
                    now: false,
                });
                lock(&self.queue).deferred.extend(again);
                return;
            }
        };
        if reader.has_missing() {
            self.has_missing.store(true, Ordering::Relaxed);
        }
        let answers: Vec<Answer> = questions
            .iter()
            .map(|asked| Answer {
                ticket: asked.ticket,
                original: table
                    .as_ref()
                    .and_then(|table| original(table, &asked.question)),
            })
            .collect();
        lock(&self.answers).extend(answers);
        self.answered.notify_one();
    }
}

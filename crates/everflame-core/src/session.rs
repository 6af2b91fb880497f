//! Start and stop of sampling, and the JavaScript threads that take part. One session at a time in a process.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::aggregate::{self, Command, JavaScriptThread, Mailbox, Options, Profile, WriteFailure};
use crate::engine::{EngineError, Observer, ObserverOptions, Rejected, main_stack, select};
use crate::pprof::{Encoding, EncodingError};
use crate::signal::{self, Slots};
use crate::source_map::{self, SourceMapFailure};
use crate::v8::{
    CALIBRATION_SOURCE, EntryError, EntryPoints, Features, Isolate, IsolateLog, UsedHeap,
    be_silent_in_forks, callback_panics,
};

/// What to sample and how.
#[derive(Clone, Debug)]
pub struct Config {
    /// `auto`, `tick`, `ctimer`, `perf` or `itimer`.
    pub engine: String,
    /// A signal by name, or the first free one.
    pub signal: Option<String>,
    pub options: Options,
    /// Where the last profile goes when one of `guarded` ends the process: `<prefix>.<pid>.<sequence>.wall.pprof`.
    pub output_prefix: Option<String>,
    /// Terminal signals that the application does not listen to.
    pub guarded: Vec<i32>,
    /// How long the end of the process by one of them waits for the last profile.
    pub exit_timeout: Duration,
}

/// What was started.
pub struct Started {
    pub engine: &'static str,
    pub reason: String,
    pub rejected: Vec<Rejected>,
    pub signal: &'static str,
}

/// Why sampling did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    #[error("sampling is already running in this process; stop it first")]
    Running,
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(
        "this process is a fork of a profiled one, without the profiler's threads; start Everflame in a process of its own (child_process, cluster)"
    )]
    Forked,
    #[error(
        "the profiler has failed in this process (its message is on standard error) and is off; restart the process, and please report it"
    )]
    Failed,
    #[error(
        "/proc is not this process's own (it is not mounted, or belongs to another process namespace), so its threads cannot be found; mount it in this namespace (mount -t proc proc /proc, or unshare --mount-proc)"
    )]
    ForeignProc,
    #[error(
        "the profiler's memory could not be mapped; raise the memory limit of the process (ulimit -v)"
    )]
    Memory,
    #[error(
        "a thread of the profiler could not be started: {0}; raise the limit of threads (ulimit -u, or the container's limit of processes)"
    )]
    Thread(#[from] std::io::Error),
}

/// Why a JavaScript thread cannot be sampled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ThreadError {
    #[error(transparent)]
    EntryPoints(#[from] EntryError),
    #[error("this thread runs no JavaScript")]
    NoIsolate,
    #[error(
        "V8's stack walker failed its self-test ({0}); this build of Node.js is not supported, so profiles come from V8's own profiler"
    )]
    SelfTest(String),
    #[error("more than 4096 threads are profiled already")]
    NoSlot,
    #[error(transparent)]
    Start(#[from] StartError),
}

struct Runtime {
    /// The process that started the threads: a fork has the memory, but not them.
    process: u32,
    slots: &'static Slots,
    mailbox: Arc<Mailbox>,
    observer: Mutex<Option<Arc<Observer>>>,
    /// V8's stack walker was proved in this process.
    tested: AtomicBool,
}

impl Runtime {
    /// Not in a fork of the process, where locks may be held by threads that are not there.
    fn is_own(&self) -> bool {
        self.process == std::process::id()
    }

    fn observer(&self) -> MutexGuard<'_, Option<Arc<Observer>>> {
        self.observer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a bug has ended the observer.
    fn has_failed(&self) -> bool {
        self.observer()
            .as_ref()
            .is_some_and(|observer| observer.has_failed())
    }

    /// Has the observer look for a thread now.
    fn discover(&self, tid: i32) {
        if let Some(observer) = &*self.observer() {
            observer.discover(tid);
        }
    }
}

static RUNTIME: OnceLock<Runtime> = OnceLock::new();

/// Whether the last profile was asked for by a process that is about to end, and none since.
static LAST_ASKED_FOR: AtomicBool = AtomicBool::new(false);

fn runtime() -> Result<&'static Runtime, StartError> {
    static STARTING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(runtime) = RUNTIME.get() {
        return if !runtime.is_own() {
            Err(StartError::Forked)
        } else if runtime.mailbox.is_dead() {
            Err(StartError::Failed)
        } else {
            Ok(runtime)
        };
    }
    let slots = signal::slots().ok_or(StartError::Memory)?;
    let mailbox = aggregate::start(slots)?;
    be_silent_in_forks();
    // Where it cannot be, only the last profile of a process that ends by exit(3) alone is lost.
    // SAFETY: the function is there for as long as the process: the library is never unloaded.
    unsafe { libc::atexit(leave) };
    Ok(RUNTIME.get_or_init(|| Runtime {
        process: std::process::id(),
        slots,
        mailbox,
        observer: Mutex::new(None),
        tested: AtomicBool::new(false),
    }))
}

/// Starts sampling all threads of this process.
///
/// # Errors
/// Sampling runs already, the engine cannot work here, or memory or threads are out. Nothing is left behind.
pub fn start(config: &Config) -> Result<Started, StartError> {
    let runtime = runtime()?;
    let mut running = runtime.observer();
    if let Some(observer) = &*running {
        return Err(if observer.has_failed() {
            StartError::Failed
        } else {
            StartError::Running
        });
    }
    if !has_own_proc() {
        return Err(StartError::ForeignProc);
    }
    let options = &config.options;
    // Before the first script is copied. What is in their text may take an eighth of the cap, like the tables.
    source_map::configure(options.source_maps, options.memory_cap / 8);
    let selected = select(
        &config.engine,
        config.signal.as_deref(),
        config.options.interval,
    )?;
    let engine = selected.engine.name();
    let signal = selected.signal;
    signal::set_enabled(true);
    let mailbox = Arc::clone(&runtime.mailbox);
    let isolates = Arc::clone(&runtime.mailbox);
    let observer = Observer::start(
        selected.engine,
        runtime.slots,
        ObserverOptions {
            interval: config.options.interval,
            signal,
            aggregator: runtime.mailbox.tid(),
            backlog: Box::new(move || mailbox.backlog_bytes()),
            sequence: Arc::new(move |slot| isolates.sequence(slot)),
        },
    );
    let observer = match observer {
        Ok(observer) => Arc::new(observer),
        Err(error) => {
            signal::set_enabled(false);
            return Err(error.into());
        }
    };
    runtime.mailbox.unwritten.begin();
    runtime.mailbox.tell(Command::Begin(
        config.options,
        Arc::clone(&observer),
        config.output_prefix.clone(),
    ));
    *running = Some(observer);
    signal::terminal::wait_at_most(config.exit_timeout);
    if config.output_prefix.is_some() {
        for signal in &config.guarded {
            // An unguarded signal ends the process as it does without us, only without the last profile.
            signal::terminal::guard(*signal).unwrap_or_default();
        }
    }
    Ok(Started {
        engine,
        reason: selected.reason,
        rejected: selected.rejected,
        signal: signal::signal_name(signal.signal),
    })
}

/// Whether `/proc` shows this process by the number that it has for itself.
fn has_own_proc() -> bool {
    std::fs::read_link("/proc/self")
        .is_ok_and(|process| process.as_os_str() == std::process::id().to_string().as_str())
}

/// Whether the profiler's own threads are at work in this process.
///
/// # Errors
/// They could not be started, have failed, or are another process's.
pub fn check() -> Result<(), StartError> {
    runtime().map(|_| ())
}

/// Ends the period; `reply` gets its profile on the aggregator's thread.
///
/// # Errors
/// The profiler's own threads could not be started, or have failed.
pub fn rotate(
    encoding: Encoding,
    reply: impl FnOnce(Result<Profile, EncodingError>) + Send + 'static,
) -> Result<(), StartError> {
    LAST_ASKED_FOR.store(false, Ordering::SeqCst);
    tell_sampling(Command::Rotate(encoding, Box::new(reply)))
}

fn tell_sampling(command: Command) -> Result<(), StartError> {
    let runtime = runtime()?;
    if runtime.has_failed() {
        return Err(StartError::Failed);
    }
    runtime.mailbox.tell(command);
    Ok(())
}

/// Ends the period and waits for its profile, at most `limit`; `None` when it is not there by then.
pub fn rotate_now(encoding: Encoding, limit: Duration) -> Option<Result<Profile, EncodingError>> {
    let (done, wait) = std::sync::mpsc::channel();
    let reply = move |profile| {
        // The one who asked may have stopped waiting; the profile is lost with its process then.
        done.send(profile).unwrap_or_default();
    };
    LAST_ASKED_FOR.store(true, Ordering::SeqCst);
    tell_sampling(Command::RotateLast(encoding, Box::new(reply))).ok()?;
    wait.recv_timeout(limit).ok()
}

/// Stops sampling; `reply` gets the last period's profile on the aggregator's thread. Without sampling there is none,
/// and `reply` is dropped.
pub fn stop(
    encoding: Encoding,
    reply: impl FnOnce(Result<Profile, EncodingError>) + Send + 'static,
) {
    let Ok(runtime) = runtime() else { return };
    // Held to the end, so that no other session begins before the aggregator was told that this one is over.
    let mut running = runtime.observer();
    let Some(observer) = running.take() else {
        return;
    };
    // Terminal signals stay guarded until the last profile is written.
    signal::set_enabled(false);
    observer.stop();
    runtime
        .mailbox
        .tell(Command::End(encoding, Box::new(reply)));
}

/// The calling thread is about to handle the signal of this name: sampling goes on by another.
pub fn give_up_signal(name: &str) {
    /// An observer that answers no sooner gets no CPU time; it finds the program's handler by itself.
    const LIMIT: Duration = Duration::from_millis(100);
    let Some((runtime, signal)) = RUNTIME.get().zip(signal::signal_number(name)) else {
        return;
    };
    if !runtime.is_own() {
        return;
    }
    let observer = runtime.observer().clone();
    if let Some(observer) = observer {
        observer.give_up(signal, LIMIT);
    }
}

/// The program listens to the terminal signal of this name no more: where it ends the process, the last profile is written.
pub fn guard_signal(name: &str) {
    let Some((runtime, signal)) = RUNTIME.get().zip(signal::terminal::number(name)) else {
        return;
    };
    if runtime.is_own() && runtime.mailbox.unwritten.is_open() {
        // As at the start: unguarded it ends the process as it does without us.
        signal::terminal::guard(signal).unwrap_or_default();
    }
}

/// Whether the profile of this number is still to be written by its taker, which begins to. `false` where the aggregator has
/// written it, because nobody came.
pub fn claim_profile(sequence: u64) -> bool {
    let runtime = RUNTIME.get().filter(|runtime| runtime.is_own());
    runtime.is_some_and(|runtime| runtime.mailbox.unwritten.claim(sequence))
}

/// The profile of this number is in its file, or is known not to get there: the aggregator need not write it.
pub fn forget_profile(sequence: u64) {
    if let Some(runtime) = RUNTIME.get().filter(|runtime| runtime.is_own()) {
        runtime.mailbox.unwritten.forget(sequence);
    }
}

/// Profiles that nobody asks for, and the last one, go to `<prefix>.<pid>.<sequence>.wall.pprof` from now on.
pub fn write_to(prefix: String) {
    if let Some(runtime) = RUNTIME.get().filter(|runtime| runtime.is_own()) {
        runtime.mailbox.tell(Command::Output(prefix));
    }
}

/// `call` is told when the last profile is in its file because a signal ends the process, and says whether somebody comes for
/// it. The signal waits then until [`courier_is_done`], within the limit. The calling thread gets no such signal from now on.
/// `tells_of_loss`: what is not brought away within the limit is lost, and standard error is to tell of that.
///
/// # Errors
/// The profiler's own threads could not be started, or have failed.
pub fn engage_courier(
    call: impl Fn() -> bool + Send + 'static,
    tells_of_loss: bool,
) -> Result<(), StartError> {
    runtime()?.mailbox.courier.engage(call, tells_of_loss);
    signal::terminal::keep_away_from_this_thread();
    Ok(())
}

/// Whether the process ends, by a signal or by itself, so that the newest profile written is the last one.
pub fn is_ending() -> bool {
    signal::terminal::pending().is_some() || LAST_ASKED_FOR.load(Ordering::SeqCst)
}

/// Waits while a signal ends the process, which as a rule happens in this call. Returns whether the signal
/// is under way still, long after its time.
pub fn wait_for_signal() -> bool {
    /// By which it may be late where no thread is free to watch the time.
    const LATE: Duration = Duration::from_millis(1250);
    if !RUNTIME.get().is_some_and(Runtime::is_own) {
        return false;
    }
    let limit = signal::terminal::patience() + LATE;
    let begun = Instant::now();
    while signal::terminal::pending().is_some() {
        if begun.elapsed() >= limit {
            return true;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    false
}

/// exit(3) ends the process: where nobody has asked for the last profile it is written, for whoever finds it. Node.js ends so
/// where an exception is thrown in the handler of another one (code 7), and addons may. No threads are missing yet, but those of
/// Node.js's pools may be, and thread-locals of the calling thread are gone.
extern "C" fn leave() {
    let Some(runtime) = RUNTIME.get().filter(|runtime| runtime.is_own()) else {
        return;
    };
    if LAST_ASKED_FOR.load(Ordering::SeqCst)
        || !runtime.mailbox.unwritten.is_open()
        || runtime.mailbox.is_dead()
        || wait_for_signal()
    {
        return;
    }
    runtime.mailbox.tell(Command::Leave);
    let limit = signal::terminal::patience();
    let begun = Instant::now();
    while !runtime.mailbox.left.load(Ordering::SeqCst) && begun.elapsed() < limit {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The process that has asked for the last profile lives on: it will ask again.
pub fn live_on() {
    LAST_ASKED_FOR.store(false, Ordering::SeqCst);
    if let Some(runtime) = RUNTIME.get().filter(|runtime| runtime.is_own()) {
        runtime.mailbox.tell(Command::LivesOn);
    }
}

/// The last profile was brought away, or stays where it is.
pub fn courier_is_done() {
    if let Some(runtime) = RUNTIME.get().filter(|runtime| runtime.is_own()) {
        runtime.mailbox.courier.done();
    }
}

/// The thread of the courier ends.
pub fn dismiss_courier() {
    if let Some(runtime) = RUNTIME.get().filter(|runtime| runtime.is_own()) {
        runtime.mailbox.courier.dismiss();
    }
}

/// The last profile that the aggregator could not write, once.
pub fn take_write_failure() -> Option<WriteFailure> {
    let runtime = RUNTIME.get().filter(|runtime| runtime.is_own())?;
    runtime.mailbox.unwritten.take_failure()
}

/// Source maps found broken since the last call.
pub fn take_source_map_failures() -> Vec<SourceMapFailure> {
    match RUNTIME.get().filter(|runtime| runtime.is_own()) {
        Some(_) => source_map::take_failures(),
        None => Vec::new(),
    }
}

/// Whether threads are being sampled.
pub fn is_running() -> bool {
    runtime().is_ok_and(|runtime| {
        runtime
            .observer()
            .as_ref()
            .is_some_and(|observer| !observer.has_failed())
    })
}

/// A thread that is being sampled.
pub struct ThreadStatus {
    pub tid: i32,
    /// The JavaScript thread's own name, else the kernel's.
    pub name: String,
    /// `0` for the main thread, the worker's number, or `None` for a thread without JavaScript.
    pub id: Option<String>,
    /// Samples lost because its ring was full.
    pub dropped: u64,
}

/// The threads that have a slot, in order of their id.
pub fn threads() -> Vec<ThreadStatus> {
    let Ok(runtime) = runtime() else {
        return Vec::new();
    };
    let Ok(entries) = std::fs::read_dir("/proc/self/task") else {
        return Vec::new();
    };
    let javascript = runtime.mailbox.javascript();
    let mut threads: Vec<ThreadStatus> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|tid| {
            let (number, slot) = runtime.slots.find(tid)?;
            let thread = javascript.iter().find(|thread| thread.number == number);
            let name = match thread {
                Some(thread) => thread.name.clone(),
                None => signal::thread_name(tid),
            };
            Some(ThreadStatus {
                tid,
                name,
                id: thread.map(|thread| thread.id.clone()),
                dropped: slot.dropped.load(Ordering::Relaxed),
            })
        })
        .collect();
    threads.sort_by_key(|thread| thread.tid);
    threads
}

/// A JavaScript thread that takes part; given back to [`detach`] on the same thread before its isolate ends.
pub struct Attached {
    thread: Arc<JavaScriptThread>,
    tid: i32,
    isolate: Isolate,
}

impl Attached {
    /// Reads how much of the thread's heap is in use; `None` where V8 does not tell.
    pub fn used_heap(&self) -> Option<UsedHeap> {
        UsedHeap::of(self.isolate)
    }
}

/// Makes the calling JavaScript thread known: from now on its stacks have JavaScript names. `None`: it is known already,
/// from a time when sampling ran before.
///
/// `script` compiles and runs JavaScript on this thread; called for the first isolate only.
///
/// # Errors
/// V8's entry points are missing or its stack walker fails the self-test, the thread has no isolate, or no slot is free.
///
/// # Safety
/// The calling thread runs JavaScript, V8's heap is not being collected, and [`detach`] is called on this thread
/// before the isolate ends.
pub unsafe fn attach(
    name: String,
    id: String,
    script: impl Fn(&str),
) -> Result<Option<Attached>, ThreadError> {
    let runtime = runtime()?;
    let entry = EntryPoints::resolve()?;
    // SAFETY: reads a thread-local of V8.
    let isolate = unsafe { entry.try_get_current() };
    if isolate.is_null() {
        return Err(ThreadError::NoIsolate);
    }
    let tid = signal::own_tid();
    let (number, slot) = runtime.slots.claim(tid).ok_or(ThreadError::NoSlot)?;
    if slot.has_isolate(isolate) {
        runtime.discover(tid);
        return Ok(None);
    }
    if let Some(stack) = own_stack(tid) {
        slot.set_stack(&stack, true);
    }
    // SAFETY: the caller's promise: the isolate is current on this thread.
    let log = unsafe { IsolateLog::attach(entry, isolate, || script(CALIBRATION_SOURCE)) };
    if !runtime.tested.load(Ordering::Acquire) {
        // SAFETY: as above.
        if let Err(reason) = unsafe { log.self_test(entry, isolate) } {
            log.detach();
            return Err(ThreadError::SelfTest(reason));
        }
        runtime.tested.store(true, Ordering::Release);
    }
    let ranges = log.code_ranges();
    let thread = Arc::new(JavaScriptThread {
        number,
        name,
        id,
        log,
        ranges,
        detached: AtomicBool::new(false),
    });
    runtime.mailbox.register(Arc::clone(&thread));
    signal::set_entry_points(entry);
    slot.set_javascript(signal::JavaScript {
        isolate,
        sequence: std::ptr::from_ref(thread.log.sequence()),
        ranges,
    });
    runtime.discover(tid);
    Ok(Some(Attached {
        thread,
        tid,
        isolate,
    }))
}

/// The profiler's own counters by name: totals since the process started.
pub fn counters() -> Vec<(&'static str, u64)> {
    let mut counters = signal::COUNTERS.all();
    let doubts = Features::doubts().iter().map(|(_, count)| count).sum();
    // Steps into V8's heap that were given up because something there was not as expected.
    counters.push(("v8_layout_doubts", doubts));
    counters.push(("v8_callback_panics", callback_panics()));
    counters
}

/// What works here, by name: `Err` says why not. Empty before the first thread was attached.
pub fn features() -> Vec<(&'static str, Result<(), &'static str>)> {
    let Some(features) = runtime()
        .ok()
        .and_then(|runtime| runtime.mailbox.features.get())
    else {
        return Vec::new();
    };
    vec![
        ("executing lines", features.lines),
        ("executing lines of Sparkplug code", features.baseline_lines),
        ("inlined functions", features.inlining),
        ("samples", samples_are_taken()),
    ]
}

fn samples_are_taken() -> Result<(), &'static str> {
    let is_blind = runtime().is_ok_and(|runtime| {
        runtime
            .observer()
            .as_ref()
            .is_some_and(|observer| observer.is_blind())
    });
    if is_blind {
        return Err("every signal that the engine can use is somebody else's by now");
    }
    Ok(())
}

/// The thread's isolate ends: its clock is noted, and V8 sends no more code events.
///
/// # Safety
/// Called on the thread that attached, while its isolate is still alive.
pub unsafe fn detach(attached: Attached) {
    // Also where the aggregator has failed.
    let Some(runtime) = RUNTIME.get().filter(|runtime| runtime.is_own()) else {
        return;
    };
    if let Some((_, slot)) = runtime.slots.find(attached.tid) {
        signal::with_signals_masked(|| {
            slot.clear_javascript();
            slot.write_clock();
        });
    }
    attached.thread.log.detach();
    // Held, so that no observer begins meanwhile: one that runs sees the thread end, and has its slot given back.
    let observer = runtime.observer();
    attached.thread.detached.store(true, Ordering::Release);
    if observer.is_none() {
        runtime.slots.forget(attached.tid);
        runtime.mailbox.tell(Command::Gone(attached.thread.number));
    }
}

/// The calling thread's stack.
fn own_stack(tid: i32) -> Option<Range<u64>> {
    // SAFETY: an all-zero attribute object is filled by the call below.
    let mut attributes: libc::pthread_attr_t = unsafe { std::mem::zeroed() };
    // SAFETY: the attribute object and this thread are valid.
    if unsafe { libc::pthread_getattr_np(libc::pthread_self(), &mut attributes) } != 0 {
        return None;
    }
    let mut start = std::ptr::null_mut();
    let mut size = 0;
    // SAFETY: initialised above.
    let result = unsafe { libc::pthread_attr_getstack(&attributes, &mut start, &mut size) };
    // SAFETY: initialised above, not used again.
    unsafe { libc::pthread_attr_destroy(&mut attributes) };
    if result != 0 {
        return None;
    }
    let start = start as u64;
    let end = start + size as u64;
    // Of the main thread's stack, musl reports only the part that is mapped so far.
    Some(if tid == std::process::id() as i32 {
        main_stack(end)
    } else {
        start..end
    })
}

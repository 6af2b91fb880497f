//! Frames of generated code, and the author's frames in their place as far as source maps tell.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use super::tables::{FrameId, FrameRow, FunctionRow, StackId, Tables};
use crate::signal::COUNTERS;
use crate::source_map::{Answer, Original, Question, SourceMaps, Ticket};

/// What is known of a place in generated code.
#[derive(Clone, Copy)]
enum State {
    Asked,
    /// No map tells more of it.
    Same,
    Original(FrameId),
}

/// Numbers for places in generated code, given out in the order in which they are met, from 1.
#[derive(Default)]
pub(super) struct Originals {
    maps: SourceMaps,
    places: Vec<State>,
    /// Tables that were replaced: answers for ids in them are of no use.
    round: u32,
    unanswered: usize,
}

impl Originals {
    /// Most bytes of tables that are kept of maps.
    pub(super) fn limit(&self, bytes: usize) {
        self.maps.limit(bytes);
    }

    /// A place that was not met before; its number for [`FrameRow::generated`].
    pub(super) fn ask(&mut self, question: Question) -> u32 {
        let number = self.places.len() as u32;
        self.places.push(State::Asked);
        self.unanswered += 1;
        let ticket = Ticket(u64::from(self.round) << 32 | u64::from(number));
        self.maps.ask(ticket, question);
        number + 1
    }

    /// Takes note of what was found out.
    pub(super) fn collect(&mut self, tables: &mut Tables) {
        let answers = self.maps.answers(Duration::ZERO);
        self.take(answers, tables);
    }

    fn take(&mut self, answers: Vec<Answer>, tables: &mut Tables) {
        for Answer { ticket, original } in answers {
            let (round, number) = ((ticket.0 >> 32) as u32, ticket.0 as u32);
            let place = self.places.get_mut(number as usize);
            let Some(state) = place.filter(|_| round == self.round) else {
                continue;
            };
            *state = match original {
                Some(original) => State::Original(frame(tables, &original)),
                None => State::Same,
            };
            self.unanswered -= 1;
        }
    }

    /// Has every question so far answered, and between two answers does what else there is to do; at most for `limit`.
    pub(super) fn settle(&self, limit: Duration) -> Settling {
        self.maps.hurry(true);
        Settling {
            places: self.places.len(),
            end: Instant::now() + limit,
        }
    }

    /// Waits a little. False once nothing is to be waited for.
    pub(super) fn wait(&mut self, tables: &mut Tables, settling: &Settling) -> bool {
        /// The ring of a thread that is sampled every millisecond has room for 200.
        const SLICE: Duration = Duration::from_millis(20);
        let is_open = |state: &State| matches!(state, State::Asked);
        let places = settling.places.min(self.places.len());
        let left = settling.end.saturating_duration_since(Instant::now());
        if left.is_zero() || self.unanswered == 0 || !self.places[..places].iter().any(is_open) {
            self.maps.hurry(false);
            return false;
        }
        let answers = self.maps.answers(left.min(SLICE));
        self.take(answers, tables);
        true
    }

    /// The frame to show where this one was met. It may be another one later.
    pub(super) fn current(&self, tables: &Tables, frame: FrameId) -> FrameId {
        match self.state(tables, frame) {
            Some(State::Original(original)) => original,
            _ => frame,
        }
    }

    fn state(&self, tables: &Tables, frame: FrameId) -> Option<State> {
        let number = tables.frame_row(frame).generated.checked_sub(1)?;
        self.places.get(number as usize).copied()
    }

    /// The stack with its author's frames. What no map tells of has the line alone: columns tell nobody anything.
    pub(super) fn stack(&self, tables: &mut Tables, stack: StackId) -> StackId {
        let is_generated = |frame: &FrameId| tables.frame_row(*frame).generated != 0;
        if !tables.frames_of(stack).iter().any(is_generated) {
            return stack;
        }
        let frames = tables.frames_of(stack).to_vec();
        let frames: Vec<FrameId> = frames
            .into_iter()
            .map(|frame| match self.state(tables, frame) {
                Some(State::Original(original)) => original,
                state => {
                    if matches!(state, Some(State::Asked)) {
                        COUNTERS.source_maps_late.fetch_add(1, Ordering::Relaxed);
                    }
                    let row = tables.frame_row(frame);
                    tables.frame(FrameRow {
                        generated: 0,
                        ..row
                    })
                }
            })
            .collect();
        tables.stack(&frames)
    }

    /// Stacks with their author's frames, each asked for once.
    pub(super) fn stacks<'a>(
        &'a self,
        tables: &'a mut Tables,
    ) -> impl FnMut(StackId) -> StackId + use<'a> {
        let mut known = FxHashMap::default();
        move |stack| {
            *known
                .entry(stack)
                .or_insert_with(|| self.stack(tables, stack))
        }
    }

    /// Whether a script that was sampled names a map that is not there.
    pub(super) fn has_missing(&self) -> bool {
        self.maps.has_missing()
    }

    /// Forgets every id of the old tables.
    pub(super) fn start_over(&mut self) {
        self.places.clear();
        self.unanswered = 0;
        self.round = self.round.wrapping_add(1);
    }

    pub(super) fn bytes(&self) -> usize {
        self.places.len() * size_of::<State>()
    }
}

/// Until when questions are waited for, and which.
pub(super) struct Settling {
    places: usize,
    end: Instant,
}

fn frame(tables: &mut Tables, original: &Original) -> FrameId {
    let name = tables.string(&original.name);
    let file = tables.string(&original.file);
    let function = tables.function(FunctionRow {
        name,
        file,
        start_line: original.start_line,
    });
    tables.frame(FrameRow {
        function,
        line: original.line,
        module: 0,
        address: 0,
        generated: 0,
    })
}

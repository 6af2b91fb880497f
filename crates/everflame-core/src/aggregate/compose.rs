//! From one record to one stack: native part by table, the rest as the handler walked it, every frame named.

mod collecting;
mod sleeping;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustc_hash::FxHashMap;

use self::collecting::callers;
use super::join::join;
use super::mailbox::Options;
use super::originals::Originals;
use super::root::{frames_before, is_root, is_worker};
use super::tables::{FrameId, FrameRow, FunctionRow, StackId, Tables};
use crate::native::{
    Lookup, Module, ModuleId, Modules, Registers, StackCopy, Symbolizer, Unwinder, UnwoundFrame,
    offset_name,
};
use crate::pprof::MappingRow;
use crate::return_address::strip_signature;
use crate::signal::{COUNTERS, Frame, FrameKind, Header, flags};
use crate::source_map::{Position, Question};
use crate::v8::{
    CodeMap, CodeRanges, JsAddress, JsFrame, LeafWords, VmState, executing_bytecode, leaf,
};

/// What is needed to resolve one thread's JavaScript.
pub(super) struct JavaScript<'a> {
    pub(super) map: &'a mut CodeMap,
    pub(super) ranges: CodeRanges,
}

/// Frames without code of their own.
#[derive(Clone, Copy)]
struct Synthetic {
    unknown: FrameId,
    truncated: FrameId,
    collector: FrameId,
    native: FrameId,
}

/// Frames that are one, by the addresses of what their functions and maps share; a value keeps them alive.
#[derive(PartialEq, Eq, Hash)]
struct JavaScriptKey {
    function: usize,
    line: u32,
    /// Of a script that may have a source map: the map, and the place.
    generated: Option<(usize, Position)>,
}

impl JavaScriptKey {
    fn of(frame: &JsFrame) -> JavaScriptKey {
        let generated = frame.generated.as_ref();
        JavaScriptKey {
            function: Arc::as_ptr(&frame.function).addr(),
            line: frame.line,
            generated: generated.map(|place| (Arc::as_ptr(&place.map).addr(), place.at)),
        }
    }
}

/// Turns records into stacks. Holds every cache that naming needs.
pub(super) struct Composer {
    modules: Modules,
    /// Modules that were there before the profiler.
    first_modules: u32,
    symbolizer: Symbolizer,
    unwinder: Unwinder,
    native: FxHashMap<(u64, Lookup), FrameId>,
    javascript: FxHashMap<JavaScriptKey, (JsFrame, FrameId)>,
    pub(super) originals: Originals,
    synthetic: Synthetic,
    max_frames: usize,
    /// Native frames are wanted; without them a stack that has no other is `(native)` alone.
    native_frames: bool,
    stack: Vec<FrameId>,
    unwound: Vec<UnwoundFrame>,
    resolved: Vec<JsFrame>,
    rescanned: u64,
}

impl Composer {
    pub(super) fn new(tables: &mut Tables, options: &Options) -> Composer {
        let modules = Modules::new();
        Composer {
            first_modules: modules.ids_given(),
            modules,
            symbolizer: Symbolizer::new(),
            unwinder: Unwinder::new(),
            native: FxHashMap::default(),
            javascript: FxHashMap::default(),
            originals: Originals::default(),
            synthetic: Composer::synthetic(tables),
            max_frames: options.max_frames.max(1),
            native_frames: options.native_frames,
            stack: Vec::new(),
            unwound: Vec::new(),
            resolved: Vec::new(),
            rescanned: 0,
        }
    }

    pub(super) fn configure(&mut self, options: &Options) {
        self.max_frames = options.max_frames.max(1);
        self.native_frames = options.native_frames;
        self.originals.limit(options.memory_cap / 8);
    }

    fn synthetic(tables: &mut Tables) -> Synthetic {
        Synthetic {
            unknown: tables.synthetic("[unknown]"),
            truncated: tables.synthetic("[truncated]"),
            collector: tables.synthetic("(garbage collector)"),
            native: tables.synthetic("(native)"),
        }
    }

    /// Forgets every id of the old tables.
    pub(super) fn start_over(&mut self, tables: &mut Tables) {
        self.native.clear();
        self.javascript.clear();
        self.originals.start_over();
        self.synthetic = Composer::synthetic(tables);
    }

    /// Whether libraries were loaded or unloaded since the last batch.
    pub(super) fn is_outdated(&self) -> bool {
        self.modules.is_outdated()
    }

    /// Takes note of libraries loaded or unloaded since the last batch.
    pub(super) fn refresh(&mut self) {
        if self.modules.refresh() {
            // An address may belong to another library now.
            self.native.clear();
            // What was loaded late may be unloaded before it is met on a stack, and its tables with it.
            let late = |module: &&Arc<Module>| module.id.0 >= self.first_modules;
            for module in self.modules.loaded().filter(late) {
                self.unwinder.prepare(&self.modules, module);
            }
        }
        let unreadable = self.symbolizer.statistics().unreadable_files;
        COUNTERS
            .unreadable_symbol_files
            .store(unreadable as u64, Ordering::Relaxed);
    }

    /// Whether native code lies at an address.
    pub(super) fn is_native(&self, address: u64) -> bool {
        self.modules.find(address).is_some()
    }

    /// Memory held by caches and symbol tables, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.symbolizer.statistics().bytes + self.cache_bytes()
    }

    /// What [`Composer::start_over`] gives back, in bytes.
    pub(super) fn cache_bytes(&self) -> usize {
        self.native.len() * 48 + self.javascript.len() * 128 + self.originals.bytes()
    }

    /// Rows for every module, indexed as frames refer to them.
    pub(super) fn mappings(&self) -> Vec<MappingRow> {
        (0..self.modules.ids_given())
            .map(|id| match self.modules.get(ModuleId(id)) {
                Some(module) => MappingRow {
                    start: module.start,
                    limit: module.limit,
                    file_offset: module.file_offset,
                    path: module.path.clone(),
                    build_id: module.build_id.clone(),
                },
                // Unloaded so long ago that no frame refers to it.
                None => MappingRow::default(),
            })
            .collect()
    }

    /// The stack of a sample.
    pub(super) fn stack(
        &mut self,
        tables: &mut Tables,
        header: &Header,
        payload: &[u8],
        mut javascript: Option<JavaScript>,
    ) -> StackId {
        self.stack.clear();
        let words = payload.len().min(usize::from(header.frames) * 8);
        let (frames, copy) = payload.split_at(words);
        let frames: Vec<Frame> = frames
            .chunks_exact(8)
            .map(|word| Frame::from_word(u64::from_le_bytes(word.try_into().unwrap_or_default())))
            .collect();
        let collecting =
            javascript.is_some() && matches!(VmState::from_raw(header.vm_state), VmState::Gc);
        let rest = if header.flags & flags::LEAF_IN_V8 == 0 {
            let ranges = javascript
                .as_ref()
                .map_or(CodeRanges::empty(), |javascript| javascript.ranges);
            self.native_leaf(tables, header, &frames, copy, &ranges)
        } else {
            match &mut javascript {
                Some(javascript) => self.javascript_leaf(tables, header, &frames, javascript),
                None => &frames[..],
            }
        };
        self.rest(tables, rest, &mut javascript, collecting);
        if header.sequence == 0 {
            self.name_unattached(tables, javascript.is_some());
        }
        if let Some(javascript) = javascript {
            count(&javascript.map.take_counters());
        }
        if self.native_frames && header.flags & flags::BROKEN != 0 && !self.reached_root(tables) {
            COUNTERS.stacks_broken.fetch_add(1, Ordering::Relaxed);
        }
        self.finish(tables)
    }

    /// Native code was interrupted: the part above the first JavaScript frame by unwind tables. Returns the frames of
    /// the handler's walk that come after it.
    fn native_leaf<'a>(
        &mut self,
        tables: &mut Tables,
        header: &Header,
        frames: &'a [Frame],
        copy: &[u8],
        ranges: &CodeRanges,
    ) -> &'a [Frame] {
        self.push_native(tables, header.pc, Lookup::Exact);
        // The tables know native frames only.
        if copy.is_empty() || !self.native_frames {
            return frames;
        }
        let mut unwound = std::mem::take(&mut self.unwound);
        unwound.clear();
        let registers = Registers {
            pc: header.pc,
            sp: header.sp,
            fp: header.fp,
            lr: header.lr,
        };
        let end = self.unwinder.unwind(
            &self.modules,
            registers,
            &StackCopy {
                sp: header.copy_start,
                bytes: copy,
            },
            &|address| ranges.contains(address),
            &mut unwound,
        );
        let rest = join(frames, &unwound, &end, header.fp);
        if let Some((keep, _)) = rest {
            for frame in &unwound[..keep] {
                self.push_native(tables, frame.return_address, Lookup::Return);
            }
        }
        self.unwound = unwound;
        rest.map_or(frames, |(_, rest)| rest)
    }

    /// V8's code was interrupted: the leaf as V8 would have it (`v8::leaf`).
    fn javascript_leaf<'a>(
        &mut self,
        tables: &mut Tables,
        header: &Header,
        frames: &'a [Frame],
        javascript: &mut JavaScript,
    ) -> &'a [Frame] {
        let code = javascript
            .map
            .function_at(header.pc, crate::v8::Lookup::Exact);
        if code.is_none() {
            // What ran is not known, and its caller must not look as if it had.
            self.push_unknown();
        }
        let words = LeafWords {
            pc: header.pc,
            at_sp: header.at_sp,
            at_fp_minus_32: header.at_fp_minus_32,
            at_fp_minus_40: header.at_fp_minus_40,
            lr: strip_signature(header.lr),
        };
        let callers: Vec<u64> = frames
            .iter()
            .filter(|frame| frame.kind() == FrameKind::V8)
            .map(|frame| frame.address())
            .collect();
        let mut above: Vec<JsAddress> = leaf(&words, &callers, javascript.map).iter().collect();
        let mut rest = frames;
        let first = above.last().map(|leaf| leaf.address);
        if let Some(interpreted) = first.or(callers.first().copied())
            && let Some(exact) = executing_bytecode(
                header.pc,
                header.bytecode_offset,
                interpreted,
                javascript.map,
            )
        {
            // In place of the position of the function's last call.
            match above.last_mut() {
                Some(leaf) => *leaf = exact,
                None => {
                    above.push(exact);
                    let first = frames
                        .iter()
                        .position(|frame| frame.kind() == FrameKind::V8)
                        .map_or(0, |place| place + 1);
                    rest = &frames[first..];
                }
            }
        }
        for address in above {
            self.push_javascript(tables, javascript, address.address, address.lookup);
        }
        rest
    }

    fn rest(
        &mut self,
        tables: &mut Tables,
        frames: &[Frame],
        javascript: &mut Option<JavaScript>,
        collecting: bool,
    ) {
        let mut marked = false;
        let callers = match javascript {
            Some(javascript) if collecting => callers(frames, javascript.map).unwrap_or_default(),
            _ => Vec::new(),
        };
        for (place, frame) in frames.iter().enumerate() {
            match frame.kind() {
                FrameKind::Native => self.push_native(tables, frame.address(), Lookup::Return),
                FrameKind::Truncated => self.stack.push(self.synthetic.truncated),
                FrameKind::V8 => match javascript {
                    Some(javascript) => self.push_javascript(
                        tables,
                        javascript,
                        frame.address(),
                        crate::v8::Lookup::Return,
                    ),
                    None => self.push_unknown(),
                },
                // V8's own entry and exit code, and during a collection, when V8 does not walk, all of its code.
                FrameKind::Internal | FrameKind::Unreported => {
                    if collecting && !marked {
                        self.stack.push(self.synthetic.collector);
                        marked = true;
                    }
                    let caller = callers.get(place).filter(|address| **address != 0);
                    if let (Some(address), Some(javascript)) = (caller, &mut *javascript) {
                        self.push_javascript(
                            tables,
                            javascript,
                            *address,
                            crate::v8::Lookup::Return,
                        );
                    }
                }
                FrameKind::Position => {}
            }
        }
        if collecting && !marked {
            self.mark_collection(tables);
        }
    }

    /// A collection without JavaScript below it, as the event loop's tasks make them: it began where V8's own code did.
    fn mark_collection(&mut self, tables: &Tables) {
        let is_v8_s = |frame: &FrameId| tables.function_name(*frame).starts_with("v8::internal::");
        let began = self.stack.iter().rposition(is_v8_s);
        let place = began.map_or(self.stack.len(), |place| place + 1);
        self.stack.insert(place, self.synthetic.collector);
    }

    /// JavaScript has no names before its thread is attached (a worker in its start-up, the main thread in the first moment
    /// of sampling): each piece of it is one frame that says so. A stack that does not show a worker's root is known to be
    /// JavaScript's where its thread has attached since.
    fn name_unattached(&mut self, tables: &mut Tables, attached_since: bool) {
        let unknown = self.synthetic.unknown;
        let is_root = |frame: &FrameId| is_worker(tables.function_name(*frame));
        if !self.stack.contains(&unknown) || !attached_since && !self.stack.iter().any(is_root) {
            return;
        }
        let unattached = tables.synthetic("(not attached)");
        let stack = std::mem::take(&mut self.stack);
        for part in stack.chunk_by(|a, b| (*a == unknown) == (*b == unknown)) {
            if part[0] == unknown {
                self.stack.push(unattached);
            } else {
                self.stack.extend_from_slice(part);
            }
        }
    }

    /// Whether the last frame is one that a thread begins with.
    fn reached_root(&self, tables: &Tables) -> bool {
        self.stack
            .last()
            .is_some_and(|frame| is_root(tables.function_name(*frame)))
    }

    fn push_unknown(&mut self) {
        COUNTERS.frames_unresolved.fetch_add(1, Ordering::Relaxed);
        self.stack.push(self.synthetic.unknown);
    }

    fn push_native(&mut self, tables: &mut Tables, address: u64, lookup: Lookup) {
        if !self.native_frames {
            return;
        }
        let frame = match self.native.get(&(address, lookup)) {
            Some(frame) => *frame,
            None => self.name_native(tables, address, lookup),
        };
        if frame == self.synthetic.unknown {
            COUNTERS.frames_unresolved.fetch_add(1, Ordering::Relaxed);
        }
        self.stack.push(frame);
    }

    fn name_native(&mut self, tables: &mut Tables, address: u64, lookup: Lookup) -> FrameId {
        let mut named = self.symbolizer.symbolize(&self.modules, address, lookup);
        if named.module.is_none() && self.may_rescan() {
            if self.modules.rescan() {
                // The next refresh finds nothing new: this was its turn to forget what belongs to others now.
                self.native.clear();
            }
            named = self.symbolizer.symbolize(&self.modules, address, lookup);
        }
        let Some(module) = named.module.and_then(|id| self.modules.get(id)) else {
            // Not kept: code may be mapped there that no counter tells of.
            return self.synthetic.unknown;
        };
        let looked_up = match lookup {
            Lookup::Exact => address,
            Lookup::Return => address.wrapping_sub(1),
        };
        // A function is one frame, wherever in it the thread was: there are no lines to tell places apart.
        let (start, text) = match named.function_start {
            Some(start) => (start, named.function),
            None => match self
                .unwinder
                .function_start(&self.modules, module, named.module_offset)
            {
                Some(start) => (start, offset_name(module, start)),
                None => (named.module_offset, named.function),
            },
        };
        let file = tables.string(&module.path);
        let name = tables.string(&text);
        let function = tables.function(FunctionRow {
            name,
            file,
            start_line: 0,
        });
        let frame = tables.frame(FrameRow {
            function,
            line: 0,
            module: module.id.0 + 1,
            address: looked_up
                .wrapping_sub(named.module_offset)
                .wrapping_add(start),
            generated: 0,
        });
        if !named.is_provisional {
            self.native.insert((address, lookup), frame);
        }
        frame
    }

    /// Reading the map of memory costs milliseconds: once a second at most.
    fn may_rescan(&mut self) -> bool {
        let now = crate::signal::monotonic();
        let due = now.saturating_sub(self.rescanned) > 1_000_000_000;
        if due {
            self.rescanned = now;
        }
        due
    }

    fn push_javascript(
        &mut self,
        tables: &mut Tables,
        javascript: &mut JavaScript,
        address: u64,
        lookup: crate::v8::Lookup,
    ) {
        let mut resolved = std::mem::take(&mut self.resolved);
        resolved.clear();
        if !javascript.map.resolve(address, lookup, &mut resolved) && !self.is_native(address) {
            // V8's frames also name the native function that JavaScript called; the native walk shows it anyway.
            self.push_unknown();
        }
        for frame in resolved.drain(..) {
            let key = JavaScriptKey::of(&frame);
            let id = match self.javascript.get(&key) {
                Some((_, id)) => self.originals.current(tables, *id),
                None => {
                    let id = self.name_javascript(tables, &frame);
                    self.javascript.insert(key, (frame, id));
                    id
                }
            };
            self.stack.push(id);
        }
        self.resolved = resolved;
    }

    fn name_javascript(&mut self, tables: &mut Tables, frame: &JsFrame) -> FrameId {
        let JsFrame {
            function,
            line,
            generated,
        } = frame;
        let generated = generated.as_ref().map_or(0, |place| {
            self.originals.ask(Question {
                map: Arc::clone(&place.map),
                at: place.at,
                start: place.start,
                name: function.name.clone(),
            })
        });
        let name = tables.string(&function.name);
        let file = tables.string(&function.file);
        let function = tables.function(FunctionRow {
            name,
            file,
            start_line: function.start_line,
        });
        tables.frame(FrameRow {
            function,
            line: *line,
            module: 0,
            address: 0,
            generated,
        })
    }

    /// Leaves out what lies before the thread's first function, cuts what is too deep, keeping the leaf side, and interns.
    fn finish(&mut self, tables: &mut Tables) -> StackId {
        static COUNTED: &AtomicU64 = &COUNTERS.frames;
        match (self.stack.is_empty(), self.native_frames) {
            (true, true) => self.push_unknown(),
            (true, false) => self.stack.push(self.synthetic.native),
            (false, _) => {}
        }
        let before = frames_before(|distance| {
            let frame = self.stack.iter().nth_back(distance)?;
            Some(tables.function_name(*frame))
        });
        self.stack.truncate(self.stack.len() - before);
        COUNTED.fetch_add(self.stack.len() as u64, Ordering::Relaxed);
        if self.stack.len() > self.max_frames {
            let omitted = self.stack.len() - self.max_frames;
            self.stack.truncate(self.max_frames);
            let plural = if omitted == 1 { "" } else { "s" };
            let mark = tables.synthetic(&format!("<{omitted} frame{plural} omitted>"));
            self.stack.push(mark);
        }
        tables.stack(&self.stack)
    }
}

/// Adds what an isolate's map could not tell to the totals of the process.
fn count(of_map: &crate::v8::Counters) {
    for (total, more) in [
        (&COUNTERS.v8_code_swept, of_map.swept),
        (&COUNTERS.v8_unknown_moves, of_map.unknown_moves),
        (&COUNTERS.v8_refused_baseline, of_map.refused_baseline),
        (&COUNTERS.v8_unknown_inlined, of_map.unknown_inlined),
    ] {
        if more > 0 {
            total.fetch_add(more, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
#[path = "compose_test.rs"]
mod tests;

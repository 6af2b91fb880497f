//! The side tables of a code object, copied as V8 keeps them.

use super::super::code_event::{InlinedFunction, OptimizedTables, Tables};
use super::super::positions::{INLINING_ENTRY, inlining_positions};
use super::heap::{self, Heap, Object};
use super::script::Function;
use super::{Doubt, Layout, View};

/// Larger tables are not believed; V8 gives up optimising long before.
const MAX_TABLE: usize = 4 * 1024 * 1024;

/// V8 inlines at most a few hundred calls; the id in a position word has 16 bits.
const MAX_INLINED: usize = u16::MAX as usize;

/// A larger literal array is not believed.
const MAX_LITERALS: usize = 1 << 20;

impl Layout {
    /// Bytecode offset → position, of the bytecode that starts at `start`.
    pub(in super::super) fn bytecode_tables(&self, start: u64) -> Option<Tables> {
        let learned = self.learned()?;
        let view = self.view(Heap::Proven);
        let positions = view
            .bytecode_array_at(start)
            .and_then(|array| view.position_table(array, learned.bytecode_positions));
        self.believe(positions)
            .map(|positions| Tables::Bytecode { positions })
    }

    /// Of Sparkplug code whose instructions start at `start`.
    pub(in super::super) fn baseline_tables(&self, start: u64) -> Option<Tables> {
        let learned = self.learned()?;
        let view = self.view(Heap::Checked);
        self.believe(view.baseline_tables(start, learned.bytecode_positions))
    }

    /// Of Maglev or TurboFan code whose instructions start at `start`.
    pub(in super::super) fn optimized_tables(
        &self,
        start: u64,
        function: &Function,
    ) -> Option<Tables> {
        self.learned()?;
        let tables = self.believe(self.view(Heap::Checked).optimized_tables(start, function))?;
        if tables.missing > 0 {
            self.doubts[Doubt::InlinedFunction as usize]
                .fetch_add(tables.missing, std::sync::atomic::Ordering::Relaxed);
        }
        Some(Tables::Optimized(Box::new(tables.tables)))
    }
}

struct Optimized {
    tables: OptimizedTables,
    /// Inlined functions whose bytecode was not found.
    missing: u64,
}

impl View<'_> {
    /// The bytecode array whose first bytecode is at `start`.
    pub(super) fn bytecode_array_at(self, start: u64) -> Result<Object, Doubt> {
        start
            .checked_sub(self.constants.bytecode_data)
            .filter(|address| address % 8 == 0)
            .map(Object::at)
            .filter(|array| self.is_bytecode_array(*array))
            .ok_or(Doubt::Bytecode)
    }

    fn is_bytecode_array(self, object: Object) -> bool {
        self.instance_type(object) == Some(self.constants.types.bytecode_array)
    }

    /// An array's source position table; empty when V8 has not made one (positions are collected lazily).
    fn position_table(self, array: Object, offset: u64) -> Result<Box<[u8]>, Doubt> {
        match self.object(array, offset) {
            Some(table) if self.is_byte_array(table) => self
                .byte_array(table, MAX_TABLE)
                .ok_or(Doubt::PositionTable),
            _ => Ok(Box::default()),
        }
    }

    /// The Code of the instructions that start at `start`.
    fn code_at(self, start: u64) -> Result<Object, Doubt> {
        let fields = &self.constants.code;
        start
            .checked_sub(fields.stream_start)
            .map(Object::at)
            .and_then(|stream| self.object(stream, fields.stream_code))
            .filter(|code| self.instance_type(*code) == Some(self.constants.types.code))
            .filter(|code| self.heap.field(*code, fields.instruction_start) == Some(start))
            .ok_or(Doubt::Code)
    }

    fn baseline_tables(self, start: u64, bytecode_positions: u64) -> Result<Tables, Doubt> {
        let fields = &self.constants.code;
        let code = self.code_at(start)?;
        let steps = self
            .object(code, fields.positions)
            .and_then(|steps| self.byte_array(steps, MAX_TABLE))
            .ok_or(Doubt::Baseline)?;
        let array = self
            .object(code, fields.deoptimization)
            .and_then(|data| self.bytecode_array_of(data))
            .ok_or(Doubt::Baseline)?;
        let length = self.length(array, MAX_TABLE).ok_or(Doubt::Baseline)?;
        let bytecodes = self
            .heap
            .bytes(array.address() + self.constants.bytecode_data, length)
            .ok_or(Doubt::Baseline)?;
        Ok(Tables::Baseline {
            steps,
            bytecodes,
            positions: self.position_table(array, bytecode_positions)?,
        })
    }

    fn optimized_tables(self, start: u64, function: &Function) -> Result<Optimized, Doubt> {
        let fields = &self.constants.code;
        let indices = &self.constants.deoptimization;
        let code = self.code_at(start)?;
        let positions = self
            .object(code, fields.positions)
            .and_then(|table| self.byte_array(table, MAX_TABLE))
            .ok_or(Doubt::PositionTable)?;
        let data = self
            .object(code, fields.deoptimization)
            .filter(|data| self.is_fixed_array(*data))
            .ok_or(Doubt::Deoptimization)?;
        let length = self
            .length(data, MAX_LITERALS)
            .ok_or(Doubt::Deoptimization)? as u64;
        let last = indices.inlining.max(indices.function).max(indices.literals);
        if length <= last {
            // Code that never deoptimises has an empty array.
            return Ok(Optimized::without_inlining(positions));
        }
        let own = self.function_element(data, indices.function);
        if own != Some(function.object) {
            return Err(Doubt::Deoptimization);
        }
        let inlining = self
            .element(data, indices.inlining)
            .and_then(heap::object)
            .and_then(|array| self.byte_array(array, MAX_INLINED * INLINING_ENTRY))
            .ok_or(Doubt::Deoptimization)?;
        if inlining.is_empty() {
            return Ok(Optimized::without_inlining(positions));
        }
        let literals = self
            .element(data, indices.literals)
            .and_then(heap::object)
            .ok_or(Doubt::Deoptimization)?;
        let inlined_count = self
            .element(data, indices.inlined_count)
            .and_then(heap::small_integer)
            .and_then(|count| usize::try_from(count).ok())
            .filter(|count| *count <= MAX_INLINED)
            .ok_or(Doubt::Deoptimization)?;
        let (functions, missing) = self.inlined_functions(literals, inlined_count, &inlining)?;
        Ok(Optimized {
            tables: OptimizedTables {
                positions,
                inlining,
                functions,
            },
            missing,
        })
    }

    /// The functions that the inlining positions name, each once.
    fn inlined_functions(
        self,
        literals: Object,
        inlined_count: usize,
        inlining: &[u8],
    ) -> Result<(Box<[InlinedFunction]>, u64), Doubt> {
        if self
            .length(literals, MAX_LITERALS)
            .is_none_or(|length| length < inlined_count)
        {
            return Err(Doubt::Deoptimization);
        }
        let mut wanted: Vec<u32> = inlining_positions(inlining)
            .iter()
            .filter_map(|entry| entry.function)
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        // The inlined functions are the first literals.
        if wanted
            .last()
            .is_some_and(|last| *last as usize >= inlined_count)
        {
            return Err(Doubt::Deoptimization);
        }
        let mut missing = 0;
        let mut functions = Vec::with_capacity(wanted.len());
        for literal in wanted {
            let bytecode = self
                .function_element(literals, u64::from(literal))
                .and_then(|function| self.object(function, self.constants.function.data))
                .and_then(|data| self.bytecode_array_of(data));
            match bytecode {
                Some(array) => functions.push(InlinedFunction {
                    literal,
                    bytecode_start: array.address() + self.constants.bytecode_data,
                }),
                None => missing += 1,
            }
        }
        Ok((functions.into_boxed_slice(), missing))
    }

    /// An array's element that is a function, itself or (since V8 13) in a wrapper outside the sandbox.
    fn function_element(self, array: Object, index: u64) -> Option<Object> {
        const WRAPPED: u64 = 8;
        let object = heap::object(self.element(array, index)?)?;
        let kind = self.instance_type(object)?;
        if self.constants.types.function_wrapper == Some(kind) {
            return self
                .object(object, WRAPPED)
                .filter(|function| self.is_function(*function));
        }
        (kind == self.constants.types.function).then_some(object)
    }

    /// The bytecode of what a function or Sparkplug code has as its data: the array itself, interpreter data around
    /// it, or Sparkplug code that has it.
    pub(super) fn bytecode_array_of(self, data: Object) -> Option<Object> {
        /// InterpreterData: map, bytecode array, trampoline.
        const INTERPRETED: u64 = 8;
        let mut data = data;
        for _ in 0..3 {
            let kind = self.instance_type(data)?;
            if kind == self.constants.types.bytecode_array {
                return Some(data);
            }
            data = if kind == self.constants.types.interpreter_data {
                self.object(data, INTERPRETED)?
            } else if kind == self.constants.types.code {
                self.object(data, self.constants.code.deoptimization)?
            } else {
                return None;
            };
        }
        None
    }
}

impl Optimized {
    fn without_inlining(positions: Box<[u8]>) -> Optimized {
        Optimized {
            tables: OptimizedTables {
                positions,
                inlining: Box::default(),
                functions: Box::default(),
            },
            missing: 0,
        }
    }
}

//! Runs a frame's call frame instructions up to one address. See DWARF 5, section 6.4.2.

use super::cfi::{Base, Entry, Place, Saved, register};
use super::cfi_reader::Reader;

/// The row of the table for one address, in the three columns that unwinding needs.
#[derive(Clone, Copy)]
pub(super) struct Row {
    pub(super) cfa: Cfa,
    pub(super) fp: Saved,
    pub(super) return_address: Saved,
    /// The return address is declared undefined: the thread's first function.
    pub(super) has_no_caller: bool,
}

/// How the canonical frame address is found.
#[derive(Clone, Copy)]
pub(super) enum Cfa {
    Register {
        register: u64,
        offset: i64,
    },
    /// `None` for an expression of another form than a [`Place`].
    Expression(Option<Place>),
}

/// Rows kept by `DW_CFA_remember_state`; compilers nest once.
const MOST_REMEMBERED: usize = 16;

const ADVANCE: u8 = 0x40;
const OFFSET: u8 = 0x80;
const RESTORE: u8 = 0xc0;

/// Returns the row that holds at the address. `None` for instructions that no compiler writes.
pub(super) fn run(entry: &Entry, address: u64) -> Option<Row> {
    let empty = Row {
        cfa: Cfa::Expression(None),
        fp: Saved::Unchanged,
        return_address: Saved::Unchanged,
        has_no_caller: false,
    };
    let mut machine = Machine {
        row: empty,
        initial: empty,
        remembered: Vec::new(),
        location: entry.start,
        code_align: entry.common.code_align,
        data_align: entry.common.data_align,
    };
    machine.execute(entry.common.program, u64::MAX)?;
    machine.initial = machine.row;
    machine.location = entry.start;
    machine.execute(entry.program, address)?;
    Some(machine.row)
}

struct Machine {
    row: Row,
    /// After the common instructions: what `DW_CFA_restore` goes back to.
    initial: Row,
    remembered: Vec<Row>,
    location: u64,
    code_align: u64,
    data_align: i64,
}

impl Machine {
    /// Stops before the first instruction that is for an address behind `address`.
    fn execute(&mut self, program: &[u8], address: u64) -> Option<()> {
        let mut reader = Reader::new(program, 0);
        while reader.at < program.len() {
            let operation = reader.u8()?;
            let operand = u64::from(operation & 0x3f);
            match operation & 0xc0 {
                ADVANCE => self.advance(operand),
                OFFSET => {
                    let offset = self.scaled(reader.unsigned()?.cast_signed());
                    self.save(operand, Saved::AtCfa(offset));
                }
                RESTORE => self.restore(operand),
                _ => self.extended(operation, &mut reader)?,
            }
            if self.location > address {
                return Some(());
            }
        }
        Some(())
    }

    fn extended(&mut self, operation: u8, reader: &mut Reader) -> Option<()> {
        match operation {
            // nop
            0x00 => {}
            // advance_loc1, 2, 4
            0x02 => self.advance(u64::from(reader.u8()?)),
            0x03 => self.advance(u64::from(reader.u16()?)),
            0x04 => self.advance(u64::from(reader.u32()?)),
            // offset_extended, its signed form, and the old GNU negative form
            0x05 => {
                let (register, offset) = (reader.unsigned()?, reader.unsigned()?.cast_signed());
                self.save(register, Saved::AtCfa(self.scaled(offset)));
            }
            0x11 => {
                let (register, offset) = (reader.unsigned()?, reader.signed()?);
                self.save(register, Saved::AtCfa(self.scaled(offset)));
            }
            0x2f => {
                let (register, offset) = (reader.unsigned()?, reader.unsigned()?.cast_signed());
                self.save(register, Saved::AtCfa(self.scaled(offset.wrapping_neg())));
            }
            // restore_extended
            0x06 => {
                let register = reader.unsigned()?;
                self.restore(register);
            }
            // undefined
            0x07 => {
                let register = reader.unsigned()?;
                self.save(register, Saved::Lost);
                self.row.has_no_caller |= register == register::RETURN_ADDRESS;
            }
            // same_value
            0x08 => {
                let register = reader.unsigned()?;
                self.save(register, Saved::Unchanged);
            }
            // register; val_offset and its signed form: none of them is written for these columns
            0x09 | 0x14 => {
                let (register, _) = (reader.unsigned()?, reader.unsigned()?);
                self.save(register, Saved::Lost);
            }
            0x15 => {
                let (register, _) = (reader.unsigned()?, reader.signed()?);
                self.save(register, Saved::Lost);
            }
            // remember_state, restore_state
            0x0a => {
                if self.remembered.len() == MOST_REMEMBERED {
                    return None;
                }
                self.remembered.push(self.row);
            }
            0x0b => self.row = self.remembered.pop()?,
            // def_cfa and its signed form
            0x0c => {
                let (register, offset) = (reader.unsigned()?, reader.unsigned()?.cast_signed());
                self.row.cfa = Cfa::Register { register, offset };
            }
            0x12 => {
                let (register, offset) = (reader.unsigned()?, reader.signed()?);
                self.row.cfa = Cfa::Register {
                    register,
                    offset: self.scaled(offset),
                };
            }
            // def_cfa_register
            0x0d => {
                let new = reader.unsigned()?;
                let Cfa::Register { register, .. } = &mut self.row.cfa else {
                    return None;
                };
                *register = new;
            }
            // def_cfa_offset and its signed form
            0x0e => {
                let offset = reader.unsigned()?.cast_signed();
                self.define_cfa_offset(offset)?;
            }
            0x13 => {
                let offset = reader.signed()?;
                self.define_cfa_offset(self.scaled(offset))?;
            }
            // def_cfa_expression
            0x0f => {
                let length = reader.unsigned()?;
                self.row.cfa = Cfa::Expression(place(reader.take(length)?));
            }
            // expression
            0x10 => {
                let (register, length) = (reader.unsigned()?, reader.unsigned()?);
                let saved = place(reader.take(length)?).map_or(Saved::Lost, Saved::At);
                self.save(register, saved);
            }
            // val_expression
            0x16 => {
                let (register, length) = (reader.unsigned()?, reader.unsigned()?);
                reader.take(length)?;
                self.save(register, Saved::Lost);
            }
            // The return address is signed from here on (aarch64); signatures are stripped anyway.
            0x2d => {}
            // GNU_args_size
            0x2e => drop(reader.unsigned()?),
            _ => return None,
        }
        Some(())
    }

    fn advance(&mut self, units: u64) {
        self.location = self
            .location
            .saturating_add(units.saturating_mul(self.code_align));
    }

    fn scaled(&self, offset: i64) -> i64 {
        offset.wrapping_mul(self.data_align)
    }

    fn define_cfa_offset(&mut self, new: i64) -> Option<()> {
        let Cfa::Register { offset, .. } = &mut self.row.cfa else {
            return None;
        };
        *offset = new;
        Some(())
    }

    fn save(&mut self, register: u64, saved: Saved) {
        match register {
            register::FP => self.row.fp = saved,
            register::RETURN_ADDRESS => self.row.return_address = saved,
            _ => {}
        }
    }

    fn restore(&mut self, register: u64) {
        match register {
            register::FP => self.row.fp = self.initial.fp,
            register::RETURN_ADDRESS => self.row.return_address = self.initial.return_address,
            _ => {}
        }
    }
}

/// Reads an expression of the form `register + offset`, or the word there plus a constant. Opcodes: DWARF 5,
/// section 7.7.1.
fn place(expression: &[u8]) -> Option<Place> {
    const DEREF: u8 = 0x06;
    const PLUS_CONSTANT: u8 = 0x23;
    const REGISTER_0: u8 = 0x70;
    let mut reader = Reader::new(expression, 0);
    let base = match u64::from(reader.u8()?.checked_sub(REGISTER_0)?) {
        register::SP => Base::Sp,
        register::FP => Base::Fp,
        _ => return None,
    };
    let mut place = Place {
        base,
        offset: reader.signed()?,
        then: None,
    };
    while reader.at < expression.len() {
        match (reader.u8()?, &mut place.then) {
            (DEREF, then @ None) => *then = Some(0),
            (PLUS_CONSTANT, None) => {
                place.offset = place.offset.checked_add_unsigned(reader.unsigned()?)?
            }
            (PLUS_CONSTANT, Some(then)) => *then = then.checked_add_unsigned(reader.unsigned()?)?,
            _ => return None,
        }
    }
    Some(place)
}

//! Where fields lie in V8's objects: the constants that V8 exports for debuggers (`v8dbg_*`), and for what it does
//! not export the places seen on Node 20 to 26. Nothing here is believed before `calibrate` or a check at the object
//! itself has confirmed it.

use std::ffi::CString;

use super::super::entry::symbol_address;

/// Field offsets in bytes from an object's untagged address, and instance types.
#[derive(Debug)]
pub(super) struct Constants {
    pub(super) map_instance_type: u64,
    pub(super) array_length: u64,
    pub(super) array_data: u64,
    pub(super) types: Types,
    pub(super) function: FunctionFields,
    pub(super) bytecode_data: u64,
    pub(super) script: ScriptFields,
    pub(super) code: CodeFields,
    pub(super) deoptimization: DeoptimizationIndices,
    pub(super) strings: Strings,
}

/// Instance types.
#[derive(Debug)]
pub(super) struct Types {
    pub(super) function: u16,
    pub(super) function_wrapper: Option<u16>,
    pub(super) script: u16,
    pub(super) bytecode_array: u16,
    pub(super) interpreter_data: u16,
    pub(super) code: u16,
    pub(super) byte_arrays: [Option<u16>; 2],
    pub(super) fixed_arrays: [Option<u16>; 3],
}

/// Of a SharedFunctionInfo.
#[derive(Debug)]
pub(super) struct FunctionFields {
    pub(super) data: u64,
    pub(super) script: u64,
}

#[derive(Debug)]
pub(super) struct ScriptFields {
    pub(super) source: u64,
    pub(super) name: u64,
    pub(super) line_offset: u64,
    pub(super) line_ends: u64,
    pub(super) id: u64,
}

/// Of Code, and of the InstructionStream that holds its instructions.
#[derive(Debug)]
pub(super) struct CodeFields {
    /// InstructionStream: its first instruction.
    pub(super) stream_start: u64,
    /// InstructionStream: its Code.
    pub(super) stream_code: u64,
    /// Code: address of the first instruction.
    pub(super) instruction_start: u64,
    /// Code: deoptimisation data, or the interpreter's data of Sparkplug code.
    pub(super) deoptimization: u64,
    /// Code: position table, or the bytecode offset table of Sparkplug code.
    pub(super) positions: u64,
}

/// Elements of the deoptimisation data.
#[derive(Debug)]
pub(super) struct DeoptimizationIndices {
    pub(super) inlined_count: u64,
    pub(super) literals: u64,
    pub(super) function: u64,
    pub(super) inlining: u64,
}

#[derive(Debug)]
pub(super) struct Strings {
    pub(super) first_nonstring: u16,
    pub(super) representation_mask: u16,
    pub(super) sequential: u16,
    pub(super) cons: u16,
    pub(super) thin: u16,
    pub(super) encoding_mask: u16,
    pub(super) one_byte: u16,
    pub(super) length: u64,
    pub(super) characters: u64,
    pub(super) cons_first: u64,
    pub(super) cons_second: u64,
    pub(super) thin_actual: u64,
    /// `None` where this V8 does not export how they look.
    pub(super) sliced: Option<SlicedString>,
}

/// A string that is a part of another one.
#[derive(Debug)]
pub(super) struct SlicedString {
    pub(super) kind: u16,
    pub(super) parent: u64,
    pub(super) offset: u64,
}

/// InstructionStream's only pointer besides its map is its Code (all of Node 20 to 26).
const STREAM_CODE: u64 = 8;
/// Not exported since Node 22; there the first field after the map.
const CODE_DEOPTIMIZATION: u64 = 8;
/// Exported on Node 22 to 26, and the same on 20.
const CODE_INSTRUCTION_START: u64 = 40;
/// `function_data`, since Node 24 `trusted_function_data`: the first field after the map.
const FUNCTION_DATA: u64 = 8;
/// Script: name 16, line offset 24, column offset 32, context 40, type 48, line ends 56, id 64.
const SCRIPT_LINE_OFFSET: u64 = 24;
const SCRIPT_ID: u64 = 64;
/// FixedArrayBase and what replaced it: map, length.
const ARRAY_LENGTH: u64 = 8;

impl Constants {
    /// # Errors
    /// A sentence that says what this V8 lacks.
    pub(super) fn look_up() -> Result<Constants, String> {
        let shift = value("SmiShiftSize")?;
        if shift != 31 {
            return Err(format!(
                "this V8 compresses pointers (SmiShiftSize is {shift}, not 31)"
            ));
        }
        let deoptimization_function = [
            "DeoptimizationDataWrappedSharedFunctionInfoIndex",
            "DeoptimizationDataSharedFunctionInfoIndex",
        ];
        let positions_default = CODE_DEOPTIMIZATION + 8;
        Ok(Constants {
            map_instance_type: offset("class_Map__instance_type__uint16_t")?,
            array_length: optional_offset("class_FixedArrayBase__length__SMI")?
                .unwrap_or(ARRAY_LENGTH),
            array_data: offset("class_FixedArray__data__uintptr_t")?,
            types: Types {
                function: kind("type_SharedFunctionInfo__SHARED_FUNCTION_INFO_TYPE")?,
                function_wrapper: optional_kind(
                    "type_SharedFunctionInfoWrapper__SHARED_FUNCTION_INFO_WRAPPER_TYPE",
                )?,
                script: kind("type_Script__SCRIPT_TYPE")?,
                bytecode_array: kind("type_BytecodeArray__BYTECODE_ARRAY_TYPE")?,
                interpreter_data: kind("type_InterpreterData__INTERPRETER_DATA_TYPE")?,
                code: kind("type_Code__CODE_TYPE")?,
                byte_arrays: [
                    optional_kind("type_ByteArray__BYTE_ARRAY_TYPE")?,
                    optional_kind("type_TrustedByteArray__TRUSTED_BYTE_ARRAY_TYPE")?,
                ],
                fixed_arrays: [
                    optional_kind("type_FixedArray__FIXED_ARRAY_TYPE")?,
                    optional_kind("type_TrustedFixedArray__TRUSTED_FIXED_ARRAY_TYPE")?,
                    optional_kind("type_ProtectedFixedArray__PROTECTED_FIXED_ARRAY_TYPE")?,
                ],
            },
            function: FunctionFields {
                data: optional_offset("class_SharedFunctionInfo__function_data__Object")?
                    .unwrap_or(FUNCTION_DATA),
                script: first_offset(&[
                    "class_SharedFunctionInfo__script__Tagged_HeapObject_",
                    "class_SharedFunctionInfo__script_or_debug_info__HeapObject",
                ])?,
            },
            bytecode_data: offset("class_BytecodeArray__data__uintptr_t")?,
            script: ScriptFields {
                source: offset("class_Script__source__Object")?,
                name: offset("class_Script__name__Object")?,
                line_offset: SCRIPT_LINE_OFFSET,
                line_ends: offset("class_Script__line_ends__Object")?,
                id: SCRIPT_ID,
            },
            code: CodeFields {
                stream_start: offset("class_InstructionStream__instruction_start__uintptr_t")?,
                stream_code: STREAM_CODE,
                instruction_start: optional_offset("class_Code__instruction_start__Address")?
                    .unwrap_or(CODE_INSTRUCTION_START),
                deoptimization: optional_offset("class_Code__deoptimization_data__FixedArray")?
                    .unwrap_or(CODE_DEOPTIMIZATION),
                positions: optional_offset("class_Code__source_position_table__ByteArray")?
                    .unwrap_or(positions_default),
            },
            deoptimization: DeoptimizationIndices {
                inlined_count: offset("DeoptimizationDataInlinedFunctionCountIndex")?,
                literals: offset("DeoptimizationDataLiteralArrayIndex")?,
                function: first_offset(&deoptimization_function)?,
                inlining: offset("DeoptimizationDataInliningPositionsIndex")?,
            },
            strings: Strings::look_up()?,
        })
    }
}

impl Strings {
    fn look_up() -> Result<Strings, String> {
        Ok(Strings {
            first_nonstring: kind("FirstNonstringType")?,
            representation_mask: kind("StringRepresentationMask")?,
            sequential: kind("SeqStringTag")?,
            cons: kind("ConsStringTag")?,
            thin: kind("ThinStringTag")?,
            encoding_mask: kind("StringEncodingMask")?,
            one_byte: kind("OneByteStringTag")?,
            length: offset("class_String__length__int32_t")?,
            characters: offset("class_SeqOneByteString__chars__char")?,
            cons_first: offset("class_ConsString__first__String")?,
            cons_second: offset("class_ConsString__second__String")?,
            thin_actual: offset("class_ThinString__actual__String")?,
            sliced: SlicedString::look_up()?,
        })
    }
}

impl SlicedString {
    fn look_up() -> Result<Option<SlicedString>, String> {
        let kind = optional_kind("SlicedStringTag")?;
        let parent = optional_offset("class_SlicedString__parent__String")?;
        let offset = optional_offset("class_SlicedString__offset__SMI")?;
        let known = kind.zip(parent).zip(offset);
        Ok(known.map(|((kind, parent), offset)| SlicedString {
            kind,
            parent,
            offset,
        }))
    }
}

/// The value of an exported debugger constant.
fn exported(name: &str) -> Option<i32> {
    let symbol = CString::new(format!("v8dbg_{name}")).ok()?;
    // SAFETY: V8 defines each of these as a global `int` (`gen-postmortem-metadata.py`).
    symbol_address(&symbol).map(|address| unsafe { address.cast::<i32>().read() })
}

fn value(name: &str) -> Result<i32, String> {
    exported(name).ok_or_else(|| format!("this V8 does not export v8dbg_{name}"))
}

/// Anything larger is not an offset or a type.
const LARGEST: i32 = 4096;

fn checked(name: &str, value: i32) -> Result<u16, String> {
    if (0..=LARGEST).contains(&value) {
        Ok(value as u16)
    } else {
        Err(format!("v8dbg_{name} is {value}, which cannot be"))
    }
}

fn kind(name: &str) -> Result<u16, String> {
    checked(name, value(name)?)
}

fn optional_kind(name: &str) -> Result<Option<u16>, String> {
    exported(name).map(|value| checked(name, value)).transpose()
}

fn offset(name: &str) -> Result<u64, String> {
    kind(name).map(u64::from)
}

fn optional_offset(name: &str) -> Result<Option<u64>, String> {
    Ok(optional_kind(name)?.map(u64::from))
}

fn first_offset(names: &[&str]) -> Result<u64, String> {
    for name in names {
        if let Some(offset) = optional_offset(name)? {
            return Ok(offset);
        }
    }
    Err(format!(
        "this V8 exports none of v8dbg_{}",
        names.join(", v8dbg_")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_v8_the_first_missing_constant_is_named() {
        // The test binary is not Node.js.
        assert_eq!(
            Constants::look_up().unwrap_err(),
            "this V8 does not export v8dbg_SmiShiftSize"
        );
    }

    #[test]
    fn impossible_values_are_refused() {
        assert!(checked("x", -1).is_err());
        assert!(checked("x", LARGEST + 1).is_err());
        assert_eq!(checked("x", 2114), Ok(2114));
    }
}

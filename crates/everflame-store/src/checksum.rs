//! Checksums of rows. A file system or a memory chip changes a bit of a time or a number of a process as easily as one of a
//! block, and a block under another name is worse than none: so everything that a row says is in its checksum.

use rusqlite::Row;
use rusqlite::types::ValueRef;
use std::hash::Hasher;
use twox_hash::XxHash3_64;

/// Columns of a table in the order in which its checksum has them.
pub(crate) struct Rows {
    pub(crate) table: &'static str,
    /// What the checksum is of, then two flags where the table has them, then the checksum.
    pub(crate) columns: &'static str,
    /// Number of columns that the checksum is of.
    pub(crate) fields: usize,
    pub(crate) has_flags: bool,
}

pub(crate) const SERVICE: Rows = Rows {
    table: "service",
    columns: "id, name, checksum",
    fields: 2,
    has_flags: false,
};

pub(crate) const SERIES: Rows = Rows {
    table: "series",
    columns: "id, service, tags, checksum",
    fields: 3,
    has_flags: false,
};

pub(crate) const SHAPE: Rows = Rows {
    table: "shape",
    columns: "id, types, checksum",
    fields: 2,
    has_flags: false,
};

pub(crate) const DICTIONARY: Rows = Rows {
    table: "dictionary",
    columns: "epoch, sequence, whole, data, checksum",
    fields: 4,
    has_flags: false,
};

pub(crate) const MOMENTS: Rows = Rows {
    table: "moments",
    columns: "service, epoch, series, shape, origin, start, end, data, checksum",
    fields: 8,
    has_flags: false,
};

/// Its number is that of the profile's block.
pub(crate) const METRICS: Rows = Rows {
    table: "metrics",
    columns: "id, service, series, start, end, step, data, checksum",
    fields: 7,
    has_flags: false,
};

pub(crate) const BLOCK: Rows = Rows {
    table: "block",
    columns: "service, epoch, series, shape, kind, level, start, end, middle, covered, samples, totals, hash, data, rolled, only, checksum",
    fields: 14,
    has_flags: true,
};

/// The two lowest bits of a block's checksum repeat `rolled` and `only`, so that SQL can change a flag and its checksum.
const FLAGS: i64 = 3;

impl Rows {
    /// SQL that puts in a row of the columns.
    pub(crate) fn insert(&self) -> String {
        let places = vec!["?"; self.columns.split(',').count()].join(", ");
        format!(
            "INSERT INTO {}({}) VALUES ({places})",
            self.table, self.columns
        )
    }

    /// Whether a row, whose columns from `first` on are these, is what was written.
    pub(crate) fn is_whole(&self, row: &Row, first: usize) -> rusqlite::Result<bool> {
        let mut hasher = XxHash3_64::new();
        for index in first..first + self.fields {
            add(&mut hasher, row.get_ref(index)?);
        }
        let own = hasher.finish() as i64;
        let mut next = first + self.fields;
        let mut number = || {
            next += 1;
            match row.get_ref(next - 1)? {
                ValueRef::Integer(number) => Ok(Some(number)),
                _ => Ok::<_, rusqlite::Error>(None),
            }
        };
        if !self.has_flags {
            return Ok(number()? == Some(own));
        }
        let (rolled, only) = (number()?, number()?);
        let expected = rolled
            .zip(only)
            .filter(|flags| matches!(flags, (0 | 1, 0 | 1)))
            .map(|(rolled, only)| own & !FLAGS | rolled | only << 1);
        Ok(expected.is_some() && number()? == expected)
    }
}

/// The checksum of a row of these fields.
pub(crate) fn checksum_of(fields: &[ValueRef]) -> i64 {
    let mut hasher = XxHash3_64::new();
    fields.iter().for_each(|field| add(&mut hasher, *field));
    hasher.finish() as i64
}

/// The checksum of a block that has neither flag.
pub(crate) fn block_checksum_of(fields: &[ValueRef]) -> i64 {
    checksum_of(fields) & !FLAGS
}

fn add(hasher: &mut XxHash3_64, field: ValueRef) {
    let mut sized = |form: u8, bytes: &[u8]| {
        hasher.write_u8(form);
        hasher.write(&(bytes.len() as u64).to_le_bytes());
        hasher.write(bytes);
    };
    match field {
        ValueRef::Null => sized(0, &[]),
        ValueRef::Integer(number) => sized(1, &number.to_le_bytes()),
        ValueRef::Real(number) => sized(2, &number.to_le_bytes()),
        ValueRef::Text(text) => sized(3, text),
        ValueRef::Blob(blob) => sized(4, blob),
    }
}

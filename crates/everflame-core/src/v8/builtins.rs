//! Builtins exist twice: in the executable, and mapped a second time into the isolate's code range, where calls to
//! them are short. V8 names one of the two (Node 20 the first, later ones the second); code can be seen in both.

use super::structs::MemoryRange;
use crate::memory_map::Mapping;

/// Where an isolate has its builtins and its code.
#[derive(Clone, Copy, Debug, Default)]
pub struct BuiltinRanges {
    pub embedded: MemoryRange,
    pub code_range: MemoryRange,
}

/// The two places of the builtins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BuiltinAlias {
    places: [u64; 2],
    length: u64,
}

impl BuiltinAlias {
    /// Finds the other mapping of the file that holds `ranges.embedded`.
    pub(super) fn find(mappings: &[Mapping], ranges: &BuiltinRanges) -> Option<BuiltinAlias> {
        let here = ranges.embedded.start;
        let holds = |mapping: &&Mapping, address| mapping.range.contains(&address);
        let own = mappings.iter().find(|mapping| holds(mapping, here))?;
        let offset = own.file_offset + (here - own.range.start);
        let inside = ranges.code_range.contains(here);
        let other = mappings
            .iter()
            .filter(|mapping| mapping.file == own.file)
            .filter(|mapping| ranges.code_range.contains(mapping.range.start) != inside)
            .find_map(|mapping| {
                let place = mapping.range.start + offset.checked_sub(mapping.file_offset)?;
                holds(&mapping, place).then_some(place)
            })?;
        Some(BuiltinAlias {
            places: [here, other],
            length: ranges.embedded.length,
        })
    }

    /// The same instruction in the other place; `None` for addresses that are not in a builtin.
    pub(super) fn other(&self, address: u64) -> Option<u64> {
        let [first, second] = self.places;
        let from = |start: u64| Some(address.wrapping_sub(start)).filter(|at| *at < self.length);
        from(first)
            .map(|at| second + at)
            .or_else(|| from(second).map(|at| first + at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory_map::parse;

    const MAPS: &str = "\
00c65000-02b31000 r-xp 00865000 fe:00 1234 /usr/bin/node
02b31000-04b31000 r--p 02731000 fe:00 1234 /usr/bin/node
5c0000000000-5c0000100000 rwxp 00000000 00:00 0 
5c001fe40000-5c001ffc0000 r-xp 014c4000 fe:00 1234 /usr/bin/node
7f0000000000-7f0000100000 r-xp 014c0000 fe:00 99 /usr/lib/libother.so
";
    const CODE_RANGE: MemoryRange = MemoryRange {
        start: 0x5c00_0000_0000,
        length: 0x2000_0000,
    };
    /// File offset 0x14c4000 in the first mapping.
    const ORIGINAL: u64 = 0x18c_4000;
    const COPY: u64 = 0x5c00_1fe4_0000;

    fn alias(embedded: u64) -> Option<BuiltinAlias> {
        BuiltinAlias::find(
            &parse(MAPS),
            &BuiltinRanges {
                embedded: MemoryRange {
                    start: embedded,
                    length: 0x18_0000,
                },
                code_range: CODE_RANGE,
            },
        )
    }

    #[test]
    fn both_places_are_found_from_either() {
        for embedded in [ORIGINAL, COPY] {
            let alias = alias(embedded).expect("found");
            assert_eq!(alias.other(ORIGINAL), Some(COPY));
            assert_eq!(alias.other(COPY + 77), Some(ORIGINAL + 77));
            assert_eq!(alias.other(COPY - 1), None);
            assert_eq!(alias.other(ORIGINAL + 0x18_0000), None);
        }
    }

    #[test]
    fn without_a_second_mapping_there_is_no_alias() {
        assert_eq!(alias(0x7f00_0000_0100), None);
        assert_eq!(alias(0x1000), None);
    }
}

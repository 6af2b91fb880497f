//! Units of which one is a multiple of the other.

/// Each with what it has of the smallest of its kind. A kilobyte of pprof has 1,024 bytes.
const UNITS: [[(&str, u64); 4]; 2] = [
    [
        ("nanoseconds", 1),
        ("microseconds", 1_000),
        ("milliseconds", 1_000_000),
        ("seconds", 1_000_000_000),
    ],
    [
        ("bytes", 1),
        ("kilobytes", 1 << 10),
        ("megabytes", 1 << 20),
        ("gigabytes", 1 << 30),
    ],
];

/// What values in one unit are multiplied by to be in another; `None` where they cannot be added, or would not be whole.
pub(crate) fn factor(from: &str, to: &str) -> Option<u64> {
    if from == to {
        return Some(1);
    }
    UNITS.iter().find_map(|kind| {
        let size = |unit: &str| {
            kind.iter()
                .find(|(name, _)| *name == unit)
                .map(|(_, size)| *size)
        };
        let (from, to) = (size(from)?, size(to)?);
        (from % to == 0).then_some(from / to)
    })
}

#[cfg(test)]
mod tests {
    use super::factor;

    #[test]
    fn only_to_a_smaller_unit_of_the_same_kind() {
        assert_eq!(factor("milliseconds", "nanoseconds"), Some(1_000_000));
        assert_eq!(factor("megabytes", "kilobytes"), Some(1024));
        assert_eq!(factor("count", "count"), Some(1));
        assert_eq!(factor("nanoseconds", "milliseconds"), None);
        assert_eq!(factor("bytes", "nanoseconds"), None);
        assert_eq!(factor("count", "nanoseconds"), None);
    }
}

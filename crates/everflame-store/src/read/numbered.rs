//! Entries of a table by the numbers that the client has given them.

use rustc_hash::FxHashMap;

/// Numbers that count from one, as those of most clients do, are places in a list; others, such as addresses, are looked up.
#[derive(Default)]
pub(super) struct Numbered<T> {
    counted: Vec<T>,
    others: FxHashMap<u64, T>,
}

impl<T: Copy> Numbered<T> {
    /// Of two entries with one number the later one counts.
    pub(super) fn insert(&mut self, number: u64, entry: T) {
        match number.checked_sub(1) {
            Some(place) if place < self.counted.len() as u64 => {
                self.counted[place as usize] = entry;
            }
            Some(place) if place == self.counted.len() as u64 => self.counted.push(entry),
            _ => {
                self.others.insert(number, entry);
            }
        }
    }

    pub(super) fn get(&self, number: u64) -> Option<T> {
        let place = number.wrapping_sub(1);
        match usize::try_from(place) {
            Ok(place) if place < self.counted.len() => Some(self.counted[place]),
            _ => self.others.get(&number).copied(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_entry_of_a_number_is_found_whatever_the_order() {
        let orders: [&[u64]; 5] = [
            &[1, 2, 3, 4],
            &[4, 3, 2, 1],
            &[2, 1, 2, 3, 1, u64::MAX],
            &[0, 7, 1, 0, 2, 7],
            &[1, 1, 3, 2, 3, 0x7f00_0000_1000],
        ];
        for order in orders {
            let mut numbered = Numbered::default();
            for (entry, number) in order.iter().enumerate() {
                numbered.insert(*number, entry);
            }
            for number in 0..10 {
                let last = order.iter().rposition(|other| *other == number);
                assert_eq!(numbered.get(number), last, "{number} of {order:?}");
            }
            for number in order {
                assert!(numbered.get(*number).is_some(), "{number} of {order:?}");
            }
        }
    }
}

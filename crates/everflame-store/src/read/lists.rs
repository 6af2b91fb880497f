//! Lists of numbers or labels, one behind the other in one piece of memory.

use std::ops::Index;

#[derive(Clone, Debug)]
pub(crate) struct Lists<T> {
    items: Vec<T>,
    /// Where each list ends, which is where the next one begins. The limits of a profile are below 2³² items.
    ends: Vec<u32>,
}

impl<T> Default for Lists<T> {
    fn default() -> Lists<T> {
        Lists {
            items: Vec::new(),
            ends: Vec::new(),
        }
    }
}

impl<T: Copy> Lists<T> {
    /// The index of the list.
    pub(super) fn push(&mut self, list: &[T]) -> u32 {
        self.items.extend_from_slice(list);
        self.ends.push(self.items.len() as u32);
        self.ends.len() as u32 - 1
    }
}

impl<T> Lists<T> {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[T]> {
        (0..self.len()).map(|index| &self[index])
    }
}

impl<T> Index<usize> for Lists<T> {
    type Output = [T];

    fn index(&self, index: usize) -> &[T] {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.items[start as usize..self.ends[index] as usize]
    }
}

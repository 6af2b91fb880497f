//! One ring a thread: the handler writes, the aggregator reads. Records are contiguous; the end is padded.

use std::io;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};

use super::map::Mapping;
use super::record::{Header, LONGEST_RECORD, kind};

/// Bytes of a ring. At 99 Hz a busy JavaScript thread writes about 60 KB a second, and the aggregator is woken when
/// half is full. A thread that seldom runs touches few of its ring's pages.
pub const RING_BYTES: usize = 128 * 1024;

const _: () = assert!(LONGEST_RECORD * 2 < RING_BYTES / 2);

/// Single producer, single consumer. Positions grow for ever; the place in memory is the position modulo the size.
pub struct Ring {
    memory: Mapping,
    head: AtomicU64,
    tail: AtomicU64,
}

impl Ring {
    pub fn new() -> io::Result<Ring> {
        Ok(Ring {
            memory: Mapping::new(RING_BYTES)?,
            head: AtomicU64::new(0),
            tail: AtomicU64::new(0),
        })
    }

    /// Has every page present, so that no handler waits for the kernel to find one: for threads that run all the time.
    pub fn populate(&self) {
        self.memory.populate();
    }

    /// Room for one record of up to `bytes` (a multiple of 8), contiguous; `None` when the ring is full.
    /// Producer only. Nothing is visible to the consumer before [`Ring::commit`].
    pub fn reserve(&self, bytes: usize) -> Option<*mut u8> {
        self.reserve_between(bytes, bytes).map(|(place, _)| place)
    }

    /// As [`Ring::reserve`] for `least` bytes, and says how many there are, up to `most`.
    pub fn reserve_between(&self, least: usize, most: usize) -> Option<(*mut u8, usize)> {
        let head = self.head.load(Ordering::Relaxed);
        let tail = self.tail.load(Ordering::Acquire);
        let place = (head % RING_BYTES as u64) as usize;
        let until_end = RING_BYTES - place;
        let padding = if until_end < least { until_end } else { 0 };
        let free = RING_BYTES as u64 - (head - tail);
        if (padding + least) as u64 > free {
            return None;
        }
        let contiguous = if padding > 0 { RING_BYTES } else { until_end };
        let room = most.min(contiguous).min(free as usize - padding);
        if padding > 0 {
            let header = Header {
                size: padding as u32,
                kind: kind::PADDING,
                ..Header::default()
            };
            // A gap shorter than a header holds no padding record; the consumer skips it by the same rule.
            if padding >= size_of::<Header>() {
                // SAFETY: `padding` bytes are free at `place`, and the header fits in them.
                unsafe {
                    self.memory
                        .as_ptr()
                        .add(place)
                        .cast::<Header>()
                        .write(header);
                }
            }
            self.head.store(head + padding as u64, Ordering::Release);
            return Some((self.memory.as_ptr(), room));
        }
        // SAFETY: `place` is inside the mapping and `room` bytes are free behind it.
        Some((unsafe { self.memory.as_ptr().add(place) }, room))
    }

    /// Publishes a record of `bytes` (a multiple of 8) written at the reserved place; says whether half the ring is
    /// full, so that the reader should be woken. Producer only.
    pub fn commit(&self, bytes: usize) -> bool {
        let head = self.head.load(Ordering::Relaxed) + bytes as u64;
        self.head.store(head, Ordering::Release);
        head - self.tail.load(Ordering::Relaxed) > RING_BYTES as u64 / 2
    }

    pub fn is_empty(&self) -> bool {
        self.head.load(Ordering::Acquire) == self.tail.load(Ordering::Acquire)
    }

    /// Hands every committed record to `read`, oldest first, then frees it; the one at which `read` breaks off stays, and
    /// so do those behind it. Consumer only.
    pub fn drain(&self, mut read: impl FnMut(&Header, &[u8]) -> ControlFlow<()>) {
        let head = self.head.load(Ordering::Acquire);
        let mut tail = self.tail.load(Ordering::Relaxed);
        while tail < head {
            let place = (tail % RING_BYTES as u64) as usize;
            if RING_BYTES - place < size_of::<Header>() {
                tail += (RING_BYTES - place) as u64;
                self.tail.store(tail, Ordering::Release);
                continue;
            }
            // SAFETY: a committed record starts here, aligned to 8, and the producer does not touch it before the
            // tail has passed it.
            let header = unsafe { *self.memory.as_ptr().add(place).cast::<Header>() };
            if header.kind != kind::PADDING {
                let length = header.size as usize - size_of::<Header>();
                // SAFETY: the record's bytes follow its header, contiguous.
                let payload = unsafe {
                    std::slice::from_raw_parts(
                        self.memory.as_ptr().add(place + size_of::<Header>()),
                        length,
                    )
                };
                if read(&header, payload).is_break() {
                    return;
                }
            }
            tail += u64::from(header.size);
            self.tail.store(tail, Ordering::Release);
        }
    }

    /// Throws away what was not read, and gives the memory back to the kernel. Only while there is no producer.
    pub fn clear(&self) {
        self.tail
            .store(self.head.load(Ordering::Acquire), Ordering::Release);
        self.memory.discard();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(ring: &Ring, time: u64, payload: usize) -> bool {
        let size = size_of::<Header>() + payload;
        let Some(place) = ring.reserve(size) else {
            return false;
        };
        let header = Header {
            size: size as u32,
            kind: kind::SAMPLE,
            time,
            ..Header::default()
        };
        // SAFETY: `size` bytes were reserved at `place`.
        unsafe {
            place.cast::<Header>().write(header);
            place
                .add(size_of::<Header>())
                .write_bytes(time as u8, payload);
        }
        ring.commit(size);
        true
    }

    #[test]
    fn every_record_comes_out_once_in_order_over_many_turns() {
        let ring = Ring::new().unwrap();
        let (mut written, mut read) = (0u64, 0u64);
        for turn in 0..2_000usize {
            for step in 0..7 {
                if write(&ring, written, (turn * 7 + step) % 997 * 8) {
                    written += 1;
                }
            }
            ring.drain(|header, payload| {
                assert_eq!(header.time, read);
                assert!(payload.iter().all(|byte| *byte == read as u8));
                read += 1;
                ControlFlow::Continue(())
            });
        }
        assert_eq!(written, 14_000);
        assert_eq!(read, written);
    }

    #[test]
    fn a_full_ring_refuses_and_recovers() {
        let ring = Ring::new().unwrap();
        let mut written = 0;
        while write(&ring, written, 4096) {
            written += 1;
        }
        assert!(written as usize >= RING_BYTES / (4096 + size_of::<Header>()) - 1);
        let mut read = 0;
        ring.drain(|_, _| {
            read += 1;
            ControlFlow::Continue(())
        });
        assert_eq!(read, written);
        assert!(write(&ring, 0, 4096));
    }

    #[test]
    fn what_is_not_taken_stays_for_the_next_time() {
        let ring = Ring::new().unwrap();
        for time in 0..10 {
            assert!(write(&ring, time, 64));
        }
        let read_until = |until: u64| {
            let mut times = Vec::new();
            ring.drain(|header, _| {
                if header.time > until {
                    return ControlFlow::Break(());
                }
                times.push(header.time);
                ControlFlow::Continue(())
            });
            times
        };
        assert_eq!(read_until(3), [0, 1, 2, 3]);
        assert_eq!(read_until(3), [] as [u64; 0]);
        assert_eq!(read_until(100), [4, 5, 6, 7, 8, 9]);
        assert!(ring.is_empty());
    }

    #[test]
    fn room_is_what_is_free_and_contiguous() {
        let ring = Ring::new().unwrap();
        let (least, most) = (8 * 1024, 32 * 1024);
        let room = |ring: &Ring| ring.reserve_between(least, most).map(|(_, room)| room);
        assert_eq!(room(&ring), Some(most));
        // Four fifths are written and read: what is left at the end is less than the most.
        for _ in 0..4 {
            assert!(write(&ring, 0, (RING_BYTES / 5 - size_of::<Header>()) & !7));
        }
        ring.drain(|_, _| ControlFlow::Continue(()));
        let end = RING_BYTES - 4 * ((RING_BYTES / 5) & !7);
        assert_eq!(room(&ring), Some(end));
        // Another, and the room goes on at the beginning.
        assert!(write(&ring, 0, 20 * 1024));
        assert_eq!(room(&ring), Some(most));
        while write(&ring, 0, 8 * 1024 - size_of::<Header>()) {}
        assert_eq!(room(&ring), None);
    }

    #[test]
    fn reader_and_writer_on_two_threads_agree() {
        let ring = std::sync::Arc::new(Ring::new().unwrap());
        let writer = std::sync::Arc::clone(&ring);
        const TOTAL: u64 = 200_000;
        let thread = std::thread::spawn(move || {
            let mut next = 0;
            while next < TOTAL {
                if write(&writer, next, (next % 131) as usize * 8) {
                    next += 1;
                } else {
                    std::thread::yield_now();
                }
            }
        });
        let mut expected = 0;
        while expected < TOTAL {
            ring.drain(|header, payload| {
                assert_eq!(header.time, expected);
                assert!(payload.iter().all(|byte| *byte == expected as u8));
                expected += 1;
                ControlFlow::Continue(())
            });
        }
        thread.join().unwrap();
    }
}

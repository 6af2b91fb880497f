//! Any registers and any stack are safe to give: unwinding ends, and what it found lies in the copy.

use crate::native::{MAX_FRAMES, Modules, Registers, StackCopy, Unwinder};

/// Xorshift: reproducible, and the seed is in the failure's message.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

/// Values that make unwinders stumble: code, addresses of the stack itself, borders of the number range.
fn word(random: &mut Random, modules: &[(u64, u64)], sp: u64) -> u64 {
    match random.below(8) {
        0..=2 => {
            let (start, limit) = modules[random.below(modules.len() as u64) as usize];
            start + random.below(limit - start)
        }
        3 | 4 => sp.wrapping_add(random.below(0x900) & !7),
        5 => [
            0,
            1,
            7,
            8,
            15,
            u64::MAX,
            u64::MAX - 7,
            u64::MAX - 15,
            i64::MAX as u64,
            1 << 63,
        ][random.below(10) as usize],
        6 => random.below(0x1_0000),
        _ => random.next(),
    }
}

#[test]
fn garbage_ends() {
    let modules = Modules::new();
    let ranges: Vec<(u64, u64)> = modules
        .loaded()
        .map(|module| (module.start, module.limit))
        .collect();
    let mut unwinder = Unwinder::new();
    let mut bytes = Vec::new();
    let mut frames = Vec::new();
    for seed in 1..=30_000_u64 {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let sp = match random.below(6) {
            0 => random.next(),
            1 => u64::MAX - random.below(4096),
            2 => random.below(4096),
            _ => 0x7ffe_0000_0000 + (random.below(0x1000) & !7),
        };
        bytes.clear();
        for _ in 0..random.below(256) {
            bytes.extend_from_slice(&word(&mut random, &ranges, sp).to_ne_bytes());
        }
        bytes.truncate(bytes.len().saturating_sub(random.below(8) as usize));
        let regs = Registers {
            pc: word(&mut random, &ranges, sp),
            sp,
            fp: word(&mut random, &ranges, sp),
            lr: word(&mut random, &ranges, sp),
        };
        frames.clear();
        let start = sp.wrapping_sub(random.below(3) * 64);
        let stack = StackCopy {
            sp: start,
            bytes: &bytes,
        };
        unwinder.unwind(&modules, regs, &stack, &|_| false, &mut frames);
        assert!(frames.len() <= MAX_FRAMES, "seed {seed}");
        let end = start.saturating_add(bytes.len() as u64);
        let mut below = sp;
        for (index, frame) in frames.iter().enumerate() {
            let leaf_without_frame =
                cfg!(target_arch = "aarch64") && index == 0 && frame.sp == below;
            assert!(frame.sp > below || leaf_without_frame, "seed {seed}");
            assert!(frame.sp <= end || leaf_without_frame, "seed {seed}");
            below = frame.sp;
        }
    }
}

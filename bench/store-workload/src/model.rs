//! The service: 20,000 stacks, which make a tree of 160,000 nodes, of 20,000 functions; and what one minute of it is.

use std::collections::HashSet;

pub const STACKS: u64 = 20_000;
pub const FUNCTIONS: u64 = 20_000;
pub const ENDPOINTS: u64 = 50;
/// Frames that only one stack has.
const OWN_FRAMES: usize = 8;
/// Of a profile: what has the same stack and the same endpoint is one row.
const ROWS: usize = 2000;

/// A place in a function.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    pub function: u32,
    pub line: u32,
}

pub struct Model {
    /// The outermost place first.
    pub stacks: Vec<Vec<Place>>,
}

pub struct Row {
    pub stack: u32,
    pub endpoint: u32,
    pub samples: u64,
    /// Nanoseconds.
    pub wall: u64,
    pub cpu: u64,
}

/// splitmix64: the same numbers each time.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0xd134_2543_de82_ef95))
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

impl Default for Model {
    /// Each stack leaves another one somewhere and goes on by itself; so they are about thirty frames deep.
    fn default() -> Model {
        let mut random = Random::new(1);
        let mut stacks: Vec<Vec<Place>> = Vec::new();
        for index in 0..STACKS {
            let mut stack = if index == 0 {
                Vec::new()
            } else {
                let trunk = &stacks[random.below(index.min(100)) as usize];
                let length = trunk.len() - random.below(OWN_FRAMES as u64) as usize;
                trunk[..length].to_vec()
            };
            for _ in 0..OWN_FRAMES {
                let function = random.below(FUNCTIONS) as u32;
                let line = 10 + function % 500 + random.below(3) as u32;
                stack.push(Place { function, line });
            }
            stacks.push(stack);
        }
        Model { stacks }
    }
}

impl Model {
    /// One minute of one instance. Half of it is the busiest tenth of the stacks. A stack belongs to one endpoint, since its
    /// handler is in it; each tenth stack is met below three.
    pub fn rows(&self, seed: u64) -> Vec<Row> {
        let mut random = Random::new(seed + 2);
        let mut seen = HashSet::new();
        let mut rows = Vec::new();
        while rows.len() < ROWS {
            let stack = match random.below(2) {
                0 => random.below(STACKS / 10) * 10 + random.below(2),
                _ => random.below(STACKS),
            };
            let shared = if stack % 10 == 0 { random.below(3) } else { 0 };
            let endpoint = (stack / 10 + shared) % ENDPOINTS;
            if !seen.insert((stack, endpoint)) {
                continue;
            }
            let samples = 1 + random.below(5);
            let wall = samples * 10_101_010 + random.below(1_000_000);
            let cpu = if random.below(3) == 0 {
                0
            } else {
                random.below(wall)
            };
            rows.push(Row {
                stack: stack as u32,
                endpoint: endpoint as u32,
                samples,
                wall,
                cpu,
            });
        }
        rows
    }
}

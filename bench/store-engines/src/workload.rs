//! Blocks as a collector makes them: ten instances, one block a minute each, 13 KB of varints that do not compress, and what
//! each adds to the dictionary.

/// Six hours.
pub const BLOCKS: u64 = 3600;
const INSTANCES: u64 = 10;
const BLOCK_BYTES: u64 = 13_000;
const DICTIONARY_BYTES: u64 = 400;

pub struct Block {
    /// Minute, instance.
    pub key: (u64, u64),
    pub data: Vec<u8>,
    pub dictionary: Vec<u8>,
}

pub struct Workload {
    next: u64,
    state: u64,
    bytes: u64,
}

impl Workload {
    pub fn new() -> Workload {
        Workload::after(0)
    }

    /// As if so many had been made before.
    pub fn after(blocks: u64) -> Workload {
        Workload { next: blocks, state: 0x9e37_79b9_7f4a_7c15 ^ blocks, bytes: 0 }
    }

    pub fn made(&self) -> u64 {
        self.next
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub fn take(&mut self, count: u64) -> Vec<Block> {
        (0..count).map(|_| self.block()).collect()
    }

    fn block(&mut self) -> Block {
        let key = (self.next / INSTANCES, self.next % INSTANCES);
        self.next += 1;
        let length = BLOCK_BYTES - 3000 + self.random() % 6000;
        let data = self.fill(length);
        let dictionary = self.fill(DICTIONARY_BYTES);
        self.bytes += (data.len() + dictionary.len()) as u64;
        Block { key, data, dictionary }
    }

    fn fill(&mut self, length: u64) -> Vec<u8> {
        (0..length).map(|_| self.random() as u8).collect()
    }

    /// xorshift64.
    fn random(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }
}

//! By which the dictionary of a service knows the frames of a profile again: what they say, whatever tables they came in.
//!
//! A profile has tens of thousands of frames, and nearly all of them came with an earlier one. To look up the texts, the function
//! and the line of each among all of them takes ten times as long as to look up one number.

use crate::read::Profile;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use twox_hash::XxHash3_128;

/// 128 bits, so that two frames never have the same; as halves, which are aligned to eight bytes.
pub(crate) type FrameKey = [u64; 2];

/// Different in each process: nobody can make two names that have one key. Nothing of it is kept in the file.
static SEED: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0));

/// The keys of the profile's frames, in their order.
pub(crate) fn frame_keys(profile: &Profile) -> Vec<FrameKey> {
    // Zero is none yet: a text whose hash that is has it made again.
    let mut texts = vec![0; profile.texts.len()];
    let mut text = |index: u32| {
        let known = &mut texts[index as usize];
        if *known == 0 {
            *known = hash(profile.texts[index].as_bytes());
        }
        *known
    };
    let functions: Vec<u128> = profile
        .functions
        .iter()
        .map(|function| {
            let mut bytes = [0; 52];
            bytes[..16].copy_from_slice(&text(function.name).to_le_bytes());
            bytes[16..32].copy_from_slice(&text(function.file).to_le_bytes());
            bytes[32..48].copy_from_slice(&text(function.module).to_le_bytes());
            bytes[48..].copy_from_slice(&function.line.to_le_bytes());
            hash(&bytes)
        })
        .collect();
    profile
        .frames
        .iter()
        .map(|frame| {
            let mut bytes = [0; 20];
            bytes[..16].copy_from_slice(&functions[frame.function as usize].to_le_bytes());
            bytes[16..].copy_from_slice(&frame.line.to_le_bytes());
            let key = hash(&bytes);
            [key as u64, (key >> 64) as u64]
        })
        .collect()
}

fn hash(bytes: &[u8]) -> u128 {
    XxHash3_128::oneshot_with_seed(*SEED, bytes)
}

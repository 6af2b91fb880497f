//! Who made the garbage collector work: JavaScript's frames below it, which V8 does not report.

use crate::signal::{Frame, FrameKind};
use crate::v8::{CallingFrame, CodeMap, Lookup, frame};

/// The frames' addresses, to be looked up as return addresses; 0 for one that is none of JavaScript's.
///
/// Code moves during a collection, and the stack is told last: if one frame's function is not known, none is shown.
pub(super) fn callers(frames: &[Frame], map: &CodeMap) -> Option<Vec<u64>> {
    let mut addresses = vec![0; frames.len()];
    for (place, shown) in frames.iter().enumerate() {
        let has_context = match shown.kind() {
            FrameKind::Unreported => true,
            FrameKind::Internal => false,
            _ => continue,
        };
        let position = frames
            .get(place + 1)
            .filter(|next| next.kind() == FrameKind::Position);
        let called = CallingFrame {
            return_address: shown.address(),
            has_context,
            position: position.map(|position| position.address()),
        };
        if let Some(address) = frame(&called, map) {
            map.function_at(address, Lookup::Return)?;
            addresses[place] = address;
        }
    }
    Some(addresses)
}

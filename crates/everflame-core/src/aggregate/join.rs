//! One native part of a stack from two walks: by unwind tables over the copied top of the stack, and by frame pointers in
//! the handler.

use crate::native::{UnwindEnd, UnwoundFrame};
use crate::signal::{Frame, FrameKind};

/// How many unwound frames to take, and which frames of the handler's walk follow them. `None`: the tables were no
/// help, and the handler's walk stands alone.
pub(super) fn join<'a>(
    frames: &'a [Frame],
    unwound: &[UnwoundFrame],
    end: &UnwindEnd,
    fp: u64,
) -> Option<(usize, &'a [Frame])> {
    let first_v8 = frames
        .iter()
        .position(|frame| frame.kind() != FrameKind::Native);
    match (end, first_v8) {
        (UnwindEnd::EnteredV8 { .. }, Some(place)) => Some((unwound.len(), &frames[place..])),
        (UnwindEnd::EnteredV8 { .. } | UnwindEnd::Root, None) => Some((unwound.len(), &[])),
        // The handler's walk began at the frame that the tables have reached: its callers follow.
        (UnwindEnd::CopyExhausted { regs } | UnwindEnd::Failed { regs, .. }, _)
            if regs.fp == fp =>
        {
            Some((unwound.len(), frames))
        }
        _ => {
            // The copy ended or a rule was missing. Both walks see the same frames from some return address on.
            let joint = (0..unwound.len()).rev().find_map(|place| {
                let address = unwound[place].return_address;
                frames
                    .iter()
                    .position(|frame| {
                        frame.kind() == FrameKind::Native && frame.address() == address
                    })
                    .map(|same| (place + 1, &frames[same + 1..]))
            });
            joint.or_else(|| match first_v8 {
                Some(place) => Some((unwound.len(), &frames[place..])),
                None if unwound.len() >= frames.len() => Some((unwound.len(), &frames[..0])),
                None => None,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::Registers;

    fn native(address: u64) -> Frame {
        Frame::new(FrameKind::Native, address)
    }

    fn v8(address: u64) -> Frame {
        Frame::new(FrameKind::V8, address)
    }

    fn unwound(addresses: &[u64]) -> Vec<UnwoundFrame> {
        addresses
            .iter()
            .map(|address| UnwoundFrame {
                return_address: *address,
                sp: 0,
                fp: 0,
            })
            .collect()
    }

    const NOWHERE: Registers = Registers {
        pc: 0,
        sp: 0,
        fp: 0,
        lr: 0,
    };

    #[test]
    fn the_tables_have_the_word_above_javascript() {
        let frames = [native(1), v8(2), native(3)];
        let found = unwound(&[10, 11]);
        let end = UnwindEnd::EnteredV8 { regs: NOWHERE };
        let (keep, rest) = join(&frames, &found, &end, 1).unwrap();
        assert_eq!((keep, rest), (2, &frames[1..]));
    }

    #[test]
    fn a_copy_that_ends_is_continued_where_both_walks_agree() {
        let frames = [native(11), native(12), native(13)];
        let found = unwound(&[10, 11, 12]);
        let end = UnwindEnd::CopyExhausted { regs: NOWHERE };
        let (keep, rest) = join(&frames, &found, &end, 1).unwrap();
        assert_eq!((keep, rest), (3, &frames[2..]));
    }

    #[test]
    fn a_frame_larger_than_the_copy_is_left_by_its_frame_pointer() {
        let frames = [native(11), native(12)];
        let end = UnwindEnd::CopyExhausted {
            regs: Registers { fp: 77, ..NOWHERE },
        };
        let (keep, rest) = join(&frames, &unwound(&[10]), &end, 77).unwrap();
        assert_eq!((keep, rest), (1, &frames[..]));
    }

    #[test]
    fn without_a_common_frame_the_longer_walk_stands() {
        let end = UnwindEnd::Failed {
            regs: NOWHERE,
            at: 0,
        };
        let frames = [native(1), native(2)];
        assert!(join(&frames, &unwound(&[9]), &end, 1).is_none());
        let (keep, rest) = join(&frames[..1], &unwound(&[8, 9]), &end, 1).unwrap();
        assert_eq!((keep, rest.len()), (2, 0));
    }
}

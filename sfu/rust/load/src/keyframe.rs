//! When a keyframe is complete: every packet from its first to its marker has come.

/// Follows one stream's newest keyframe.
///
/// A packet that overtakes its keyframe's first packet is not counted, so a keyframe whose
/// packets came in the wrong order may stay incomplete; the next one is then the first.
#[derive(Debug, Default)]
pub(crate) struct KeyframeRun {
    run: Option<Run>,
}

#[derive(Debug)]
struct Run {
    rtp_time: u32,
    first: u64,
    last: Option<u64>,
    received: u64,
}

/// The parts of a packet that matter here. Each sequence number must be given once only.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Picture {
    /// Extended sequence number.
    pub(crate) sequence: u64,
    pub(crate) rtp_time: u32,
    pub(crate) marker: bool,
    /// The payload begins a keyframe (or its parameter sets).
    pub(crate) keyframe: bool,
}

impl KeyframeRun {
    /// True when this packet completes a keyframe.
    pub(crate) fn arrive(&mut self, packet: Picture) -> bool {
        match &mut self.run {
            Some(run) if run.rtp_time == packet.rtp_time => {
                if packet.keyframe {
                    run.first = run.first.min(packet.sequence);
                }
                if packet.sequence >= run.first {
                    run.received += 1;
                }
            }
            _ if packet.keyframe => {
                self.run = Some(Run {
                    rtp_time: packet.rtp_time,
                    first: packet.sequence,
                    last: None,
                    received: 1,
                });
            }
            _ => return false,
        }
        let Some(run) = &mut self.run else {
            return false;
        };
        if packet.marker {
            run.last = Some(packet.sequence);
        }
        let complete = run
            .last
            .is_some_and(|last| run.received == last + 1 - run.first);
        if complete {
            self.run = None;
        }
        complete
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(sequence: u64, rtp_time: u32, keyframe: bool, marker: bool) -> Picture {
        Picture {
            sequence,
            rtp_time,
            marker,
            keyframe,
        }
    }

    #[test]
    fn a_keyframe_is_complete_at_its_marker() {
        let mut run = KeyframeRun::default();
        assert!(!run.arrive(packet(5, 90, true, false)));
        assert!(!run.arrive(packet(6, 90, false, false)));
        assert!(run.arrive(packet(7, 90, false, true)));
        assert!(!run.arrive(packet(8, 180, false, true)));
    }

    #[test]
    fn a_missing_packet_holds_it_back_until_it_is_resent() {
        let mut run = KeyframeRun::default();
        run.arrive(packet(5, 90, true, false));
        assert!(!run.arrive(packet(7, 90, false, true)));
        assert!(!run.arrive(packet(8, 180, false, true)));
        assert!(run.arrive(packet(6, 90, false, false)));
    }

    #[test]
    fn parameter_sets_and_the_picture_are_one_keyframe() {
        let mut run = KeyframeRun::default();
        assert!(!run.arrive(packet(1, 90, true, false)));
        assert!(!run.arrive(packet(2, 90, true, false)));
        assert!(run.arrive(packet(3, 90, true, true)));
    }
}

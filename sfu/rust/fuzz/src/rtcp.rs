//! A compound packet, read to its last entry.

use sluice_media_core::rtcp::{MAX_STATUSES, Message, NtpTime, ReferenceClock, read};

pub fn run(compound: &[u8]) {
    let mut clock = ReferenceClock::default();
    let (mut messages, mut statuses) = (0, 0);
    for message in read(compound) {
        messages += 1;
        if let Ok(Message::TransportFeedback(feedback)) = &message {
            statuses += feedback.len();
        }
        match message {
            Ok(message) => exhaust(message, &mut clock),
            Err(malformed) => assert!(!malformed.to_string().is_empty()),
        }
    }
    assert!(messages <= compound.len().div_ceil(4));
    assert!(statuses <= usize::from(MAX_STATUSES));
}

fn exhaust(message: Message, clock: &mut ReferenceClock) {
    let now = NtpTime(0xe000_0000_8000_0000);
    match message {
        Message::SenderReport(report) => {
            assert!(report.blocks().count() <= 31);
        }
        Message::ReceiverReport(report) => {
            for block in report.blocks() {
                assert!(
                    block
                        .round_trip(now)
                        .is_none_or(|trip| trip.as_secs() < 1 << 15)
                );
                assert!((-0x80_0000..0x80_0000).contains(&block.cumulative_lost));
            }
        }
        Message::Nack(nack) => assert!(nack.lost().count() >= 1),
        Message::Fir(fir) => assert!(fir.entries().len() >= 1),
        Message::Remb(remb) => assert!(remb.media().len() <= 255),
        Message::TransportFeedback(feedback) => {
            let reference = clock.micros(feedback.reference);
            let arrivals = feedback.arrivals(reference);
            assert_eq!(arrivals.len(), feedback.len());
            assert_eq!(arrivals.count(), feedback.len());
        }
        Message::Bye(bye) => assert!(bye.ssrcs().len() <= 31),
        Message::Pli(_) | Message::Other(_) => {}
    }
}

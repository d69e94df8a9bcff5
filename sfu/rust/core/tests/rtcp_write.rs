//! Sender reports, source descriptions and goodbyes, as the RFC lays them out.

mod world;

use sluice_media_core::rtcp::{Full, Message, NtpTime, SenderInfo, Writer, read};
use world::Dice;

const SOUND: SenderInfo = SenderInfo {
    ssrc: 0x0102_0304,
    ntp: NtpTime(0xe123_4567_89ab_cdef),
    rtp: 0x1111_2222,
    packets: 5,
    octets: 400,
};
const PICTURE: SenderInfo = SenderInfo {
    ssrc: 0x0506_0708,
    ntp: NtpTime(0xe123_4568_89ab_cdef),
    rtp: 0x3333_4444,
    packets: 1000,
    octets: 1_200_000,
};

const SOUND_REPORT: [u8; 28] = [
    0x80, 0xc8, 0x00, 0x06, // no blocks, seven words
    0x01, 0x02, 0x03, 0x04, // the stream
    0xe1, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, // NTP
    0x11, 0x11, 0x22, 0x22, // RTP
    0x00, 0x00, 0x00, 0x05, // packets
    0x00, 0x00, 0x01, 0x90, // octets
];

fn written(write: impl FnOnce(&mut Writer) -> Result<(), Full>) -> Vec<u8> {
    let mut buffer = [0xee; 1200];
    let mut writer = Writer::new(&mut buffer);
    write(&mut writer).expect("room enough");
    writer.finish().to_vec()
}

#[test]
fn a_compound_has_the_reports_first_and_then_whose_they_are() {
    let bytes = written(|writer| writer.sender_reports(&[SOUND], "ab"));
    let description = [
        0x81, 0xca, 0x00, 0x03, // one chunk, four words
        0x01, 0x02, 0x03, 0x04, // the stream
        0x01, 0x02, b'a', b'b', // CNAME of two bytes
        0x00, 0x00, 0x00, 0x00, // the end of the items needs a word of its own
    ];
    assert_eq!(bytes, [&SOUND_REPORT[..], &description].concat());
}

#[test]
fn two_streams_share_one_name() {
    let bytes = written(|writer| writer.sender_reports(&[SOUND, PICTURE], "abc"));
    assert_eq!(bytes.len(), 28 + 28 + 4 + 2 * 12);
    let description = [
        0x82, 0xca, 0x00, 0x06, // two chunks, seven words
        0x01, 0x02, 0x03, 0x04, 0x01, 0x03, b'a', b'b', b'c', 0, 0, 0, //
        0x05, 0x06, 0x07, 0x08, 0x01, 0x03, b'a', b'b', b'c', 0, 0, 0,
    ];
    assert_eq!(bytes[56..], description);
    let infos: Vec<_> = read(&bytes)
        .filter_map(|message| match message {
            Ok(Message::SenderReport(report)) => Some(report.info),
            _ => None,
        })
        .collect();
    assert_eq!(infos, [SOUND, PICTURE]);
}

#[test]
fn a_goodbye_is_a_compound_of_its_own() {
    let bytes = written(|writer| writer.goodbye(&[1, 2], "x"));
    let mut messages = read(&bytes);
    let first = messages.next();
    assert!(matches!(first, Some(Ok(Message::ReceiverReport(r))) if r.ssrc == 1));
    assert!(matches!(messages.next(), Some(Ok(Message::Other(202)))));
    let Some(Ok(Message::Bye(bye))) = messages.next() else {
        panic!("no goodbye");
    };
    assert_eq!(bye.ssrcs().collect::<Vec<_>>(), [1, 2]);
    assert!(messages.next().is_none());
    assert_eq!(bytes[bytes.len() - 12..][..4], [0x82, 0xcb, 0x00, 0x02]);
}

#[test]
fn a_goodbye_to_nothing_is_not_written() {
    let mut buffer = [0; 64];
    let mut writer = Writer::new(&mut buffer);
    assert_eq!(writer.goodbye(&[], "x"), Err(Full));
    assert!(writer.is_empty());
}

#[test]
fn names_of_every_length_end_at_a_word() {
    for length in 0..=255 {
        let name = "n".repeat(length);
        let bytes = written(|writer| {
            writer.source_description(&[7, 8], &name)?;
            writer.bye(&[7])
        });
        let kinds: Vec<_> = read(&bytes).map(|message| message.is_ok()).collect();
        assert_eq!(kinds, [true, true], "{length}");
        let chunk = (bytes.len() - 4 - 8) / 2;
        assert_eq!(bytes[4 + chunk - 1], 0, "{length}: no end of the items");
    }
}

#[test]
fn what_does_not_fit_leaves_nothing_of_itself() {
    for size in 0..96 {
        let mut buffer = vec![0; size];
        let mut writer = Writer::new(&mut buffer);
        let full = writer.sender_reports(&[SOUND, PICTURE], "abc");
        assert_eq!(full.is_ok(), size >= 84, "{size}");
        assert_eq!(writer.len(), if size >= 84 { 84 } else { 0 });
    }
    let mut buffer = [0; 40];
    let mut writer = Writer::new(&mut buffer);
    assert_eq!(writer.sender_report(&SOUND), Ok(()));
    assert_eq!(writer.sender_report(&PICTURE), Err(Full));
    assert_eq!(writer.bye(&[1]), Ok(()));
    assert_eq!(writer.finish().len(), 36);
}

#[test]
fn fields_too_small_for_their_content_refuse_it() {
    let mut buffer = [0; 16_384];
    let mut writer = Writer::new(&mut buffer);
    assert_eq!(writer.bye(&[0; 31]), Ok(()));
    assert_eq!(writer.bye(&[0; 32]), Err(Full));
    assert_eq!(writer.sender_reports(&[SOUND; 32], "x"), Err(Full));
    assert_eq!(writer.source_description(&[1], &"n".repeat(256)), Err(Full));
    assert_eq!(writer.len(), 128);
}

#[test]
fn random_reports_come_back_as_they_were() {
    let mut dice = Dice(200);
    for _ in 0..1000 {
        let info = SenderInfo {
            ssrc: dice.roll() as u32,
            ntp: NtpTime(dice.roll() << 32 | dice.roll()),
            rtp: dice.roll() as u32,
            packets: dice.roll() as u32,
            octets: dice.roll() as u32,
        };
        let bytes = written(|writer| writer.sender_report(&info));
        assert!(
            matches!(read(&bytes).next(), Some(Ok(Message::SenderReport(r))) if r.info == info)
        );
    }
}

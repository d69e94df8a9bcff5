//! What is answered to an SDP offer, and what is refused.

mod world;

use sluice_media_io::engine::{AcceptError, Engine};
use sluice_media_io::offer::{OfferError, usable_candidate};
use sluice_media_io::peer::Role;
use str0m::media::Direction;
use world::client::Client;
use world::settings;

/// An offer as a browser writes it, with these sections.
fn offer(sections: &[&str]) -> String {
    let mids: Vec<String> = (0..sections.len()).map(|mid| mid.to_string()).collect();
    let fingerprint = ["AB"; 32].join(":");
    let mut sdp = format!(
        "v=0\n\
         o=- 4611731400430051336 2 IN IP4 127.0.0.1\n\
         s=-\n\
         t=0 0\n\
         a=group:BUNDLE {}\n\
         a=extmap-allow-mixed\n\
         a=msid-semantic: WMS\n",
        mids.join(" ")
    );
    for (mid, section) in sections.iter().enumerate() {
        let (media, attributes) = section.split_once('\n').expect("an m-line and attributes");
        sdp += &format!(
            "{media}\n\
             c=IN IP4 0.0.0.0\n\
             a=rtcp:9 IN IP4 0.0.0.0\n\
             a=ice-ufrag:Zyx9\n\
             a=ice-pwd:0123456789abcdefghijklmn\n\
             a=ice-options:trickle\n\
             a=fingerprint:sha-256 {fingerprint}\n\
             a=setup:actpass\n\
             a=mid:{mid}\n\
             a=rtcp-mux\n\
             {attributes}\n"
        );
    }
    sdp.replace('\n', "\r\n")
}

const SOUND: &str = "m=audio 9 UDP/TLS/RTP/SAVPF 111\na=sendrecv\na=rtpmap:111 opus/48000/2\na=fmtp:111 minptime=10;useinbandfec=1";

fn video(direction: &str, formats: &[(u8, &str, &str)]) -> String {
    let types: Vec<String> = formats.iter().map(|(pt, ..)| pt.to_string()).collect();
    let mut section = format!(
        "m=video 9 UDP/TLS/RTP/SAVPF {}\na={direction}",
        types.join(" ")
    );
    for (pt, name, parameters) in formats {
        section += &format!("\na=rtpmap:{pt} {name}");
        if !parameters.is_empty() {
            section += &format!("\na=fmtp:{pt} {parameters}");
        }
    }
    section
}

const HIGH: (u8, &str, &str) = (
    102,
    "H264/90000",
    "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=640032",
);
const BASELINE: (u8, &str, &str) = (
    104,
    "H264/90000",
    "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
);
const VP8: (u8, &str, &str) = (96, "VP8/90000", "");

fn engine() -> Engine {
    Engine::start(settings()).expect("free ports")
}

fn answer(role: Role, sections: &[&str]) -> String {
    let accepted = engine().accept(role, "town", &offer(sections));
    accepted.expect("an answer").answer
}

fn refused(role: Role, sdp: &str) -> OfferError {
    match engine().accept(role, "town", sdp) {
        Err(AcceptError::Offer(error)) => error,
        other => panic!("not refused: {other:?}"),
    }
}

fn lines<'a>(answer: &'a str, begin: &str) -> Vec<&'a str> {
    answer
        .lines()
        .filter(|line| line.starts_with(begin))
        .collect()
}

#[test]
fn a_publisher_is_answered_recvonly_even_when_it_offers_both_ways() {
    for direction in ["sendonly", "sendrecv"] {
        let video = video(direction, &[VP8]);
        let answer = answer(Role::Publisher, &[&video, SOUND]);
        assert_eq!(lines(&answer, "a=recvonly").len(), 2, "{answer}");
        assert!(!answer.contains("a=sendrecv") && !answer.contains("a=sendonly"));
    }
}

/// As Chrome offers it, and with stereo.
const REDUNDANT: &str = "m=audio 9 UDP/TLS/RTP/SAVPF 109 63\na=sendrecv\na=rtpmap:109 opus/48000/2\na=fmtp:109 minptime=10;stereo=1;useinbandfec=1\na=rtpmap:63 red/48000/2\na=fmtp:63 109/109";

#[test]
fn redundant_sound_is_taken_first_and_the_parameters_are_the_offers() {
    for role in [Role::Publisher, Role::Viewer] {
        let answer = answer(role, &[&video("sendrecv", &[VP8]), REDUNDANT]);
        let audio = lines(&answer, "m=audio");
        assert!(audio[0].ends_with(" 63 109"), "{answer}");
        assert_eq!(lines(&answer, "a=rtpmap:63 red/48000/2").len(), 1);
        assert_eq!(lines(&answer, "a=fmtp:63 109/109").len(), 1, "{answer}");
        let parameters = lines(&answer, "a=fmtp:109");
        let offered = "a=fmtp:109 minptime=10;stereo=1;useinbandfec=1";
        assert_eq!(parameters, [offered]);
    }
}

#[test]
fn opus_keeps_what_it_repairs_losses_with() {
    for role in [Role::Publisher, Role::Viewer] {
        let answer = answer(role, &[SOUND]);
        assert_eq!(lines(&answer, "a=fmtp:111").len(), 1);
        assert!(lines(&answer, "a=fmtp:111")[0].contains("useinbandfec=1"));
    }
}

#[test]
fn opus_of_other_channels_than_two_is_left_out() {
    for name in ["opus/48000", "opus/48000/1"] {
        let more = format!("\na=rtpmap:110 {name}\na=fmtp:110 useinbandfec=1");
        for sound in [SOUND, REDUNDANT] {
            let both = sound.replacen(['\n'], " 110\n", 1) + &more;
            let answer = answer(Role::Viewer, &[&both]);
            assert!(!answer.contains("a=rtpmap:110"), "{answer}");
            assert_eq!(answer.contains("red/48000/2"), sound == REDUNDANT);
        }
    }
}

#[test]
fn redundant_sound_that_is_ambiguous_is_left_out() {
    let twice = format!("{REDUNDANT}\na=rtpmap:110 opus/48000/2").replace(" 63\n", " 63 110\n");
    let other = REDUNDANT.replace("109/109", "109/0");
    let empty = REDUNDANT.replace("\na=fmtp:63 109/109", "");
    for sound in [twice.as_str(), &other, &empty] {
        let answer = answer(Role::Viewer, &[sound]);
        assert!(!answer.contains("red/48000"), "{answer}");
        assert!(answer.contains("a=rtpmap:109 opus/48000/2"));
    }
    // The same number for a picture.
    let picture = video("sendrecv", &[(63, "VP8/90000", "")]);
    for sections in [[REDUNDANT, &picture], [&picture, REDUNDANT]] {
        for role in [Role::Publisher, Role::Viewer] {
            let answer = answer(role, &sections);
            assert!(!answer.contains("red/48000"), "{answer}");
        }
    }
    // The numbers that str0m would take of its own accord.
    let taken = video("sendrecv", &[(111, "VP8/90000", "")]);
    for sections in [[REDUNDANT, &taken], [&taken, REDUNDANT]] {
        let answer = answer(Role::Viewer, &sections);
        assert!(answer.contains("a=fmtp:63 109/109"), "{answer}");
        assert!(answer.contains("a=rtpmap:111 VP8/90000"), "{answer}");
    }
}

#[test]
fn a_viewer_is_answered_sendonly() {
    for direction in ["recvonly", "sendrecv"] {
        let video = video(direction, &[VP8]);
        let answer = answer(Role::Viewer, &[&video, SOUND]);
        assert_eq!(lines(&answer, "a=sendonly").len(), 2, "{answer}");
    }
}

#[test]
fn an_offer_in_the_wrong_direction_is_unsupported() {
    let sending = offer(&[&video("sendonly", &[VP8])]);
    let receiving = offer(&[&video("recvonly", &[VP8])]);
    assert!(matches!(
        refused(Role::Viewer, &sending),
        OfferError::Unsupported(_)
    ));
    assert!(matches!(
        refused(Role::Publisher, &receiving),
        OfferError::Unsupported(_)
    ));
    let idle = offer(&[&video("inactive", &[VP8])]);
    assert!(matches!(
        refused(Role::Viewer, &idle),
        OfferError::Unsupported(_)
    ));
}

#[test]
fn codecs_that_we_do_not_forward_are_unsupported() {
    let theora = video("sendonly", &[(96, "theora/90000", "")]);
    let pcm = "m=audio 9 UDP/TLS/RTP/SAVPF 0\na=sendonly\na=rtpmap:0 PCMU/8000";
    let error = refused(Role::Publisher, &offer(&[&theora, pcm]));
    assert!(matches!(error, OfferError::Unsupported(_)), "{error:?}");
}

#[test]
fn an_unknown_codec_beside_a_known_one_is_left_out() {
    let formats = [(100, "theora/90000", ""), VP8];
    let answer = answer(Role::Publisher, &[&video("sendonly", &formats)]);
    assert!(
        answer.contains("VP8/90000") && !answer.contains("theora"),
        "{answer}"
    );
}

#[test]
fn payload_types_past_127_are_malformed() {
    for pt in ["128", "255", "1000", "-1", "x", ""] {
        let sdp = offer(&[&video("sendonly", &[VP8])]) + &format!("a=rtpmap:{pt} VP8/90000\r\n");
        let error = refused(Role::Publisher, &sdp);
        assert!(matches!(error, OfferError::Malformed(_)), "{pt}: {error:?}");
    }
}

#[test]
fn an_offer_without_a_name_or_a_password_is_malformed() {
    for (line, instead) in [
        ("a=ice-ufrag:Zyx9\r\n", ""),
        ("a=ice-pwd:0123456789abcdefghijklmn\r\n", ""),
        ("a=ice-pwd:0123456789abcdefghijklmn", "a=ice-pwd:"),
    ] {
        let whole = offer(&[SOUND, &video("recvonly", &[VP8])]);
        let error = refused(Role::Viewer, &whole.replace(line, instead));
        assert!(
            matches!(error, OfferError::Malformed(_)),
            "{line}: {error:?}"
        );
    }
}

#[test]
fn what_is_no_sdp_is_refused_and_the_engine_lives_on() {
    let engine = engine();
    let good = offer(&[&video("sendonly", &[VP8]), SOUND]);
    let mut refused = 0;
    let mut tries = 0;
    // Cut anywhere, and with a byte changed anywhere.
    for at in (0..good.len()).step_by(7) {
        let changed = format!("{}\u{7f}{}", &good[..at], &good[at + 1..]);
        for sdp in [good[..at].to_owned(), changed] {
            tries += 1;
            match engine.accept(Role::Publisher, "town", &sdp) {
                Ok(accepted) => assert!(engine.remove(accepted.peer)),
                Err(AcceptError::Offer(_)) => refused += 1,
                Err(AcceptError::Busy(text)) => panic!("{text}"),
            }
        }
    }
    assert!(refused > tries / 4, "{refused} of {tries}");
    assert_eq!(engine.peers(), 0);
    assert!(engine.accept(Role::Publisher, "town", &good).is_ok());
}

#[test]
fn a_publisher_may_send_a_high_profile() {
    let answer = answer(Role::Publisher, &[&video("sendonly", &[HIGH])]);
    assert!(answer.contains("profile-level-id=640032"), "{answer}");
}

#[test]
fn a_viewer_is_answered_nothing_that_it_did_not_offer() {
    let engine = engine();
    let publisher = offer(&[&video("sendonly", &[HIGH])]);
    engine
        .accept(Role::Publisher, "town", &publisher)
        .expect("an answer");
    let viewer = offer(&[&video("recvonly", &[BASELINE, VP8])]);
    let answer = engine
        .accept(Role::Viewer, "town", &viewer)
        .expect("an answer")
        .answer;
    assert!(!answer.contains("640032"), "{answer}");
    assert!(answer.contains("profile-level-id=42e01f"), "{answer}");
    let types: Vec<&str> = lines(&answer, "a=rtpmap:")
        .iter()
        .filter_map(|line| line["a=rtpmap:".len()..].split(' ').next())
        .collect();
    assert!(
        types.iter().all(|pt| ["104", "96"].contains(pt)),
        "{types:?}"
    );
}

#[test]
fn the_answer_is_that_of_an_ice_lite_server_with_all_its_candidates() {
    let engine = engine();
    let sdp = offer(&[&video("recvonly", &[VP8]), SOUND]);
    let accepted = engine
        .accept(Role::Viewer, "town", &sdp)
        .expect("an answer");
    let answer = &accepted.answer;
    assert!(answer.contains("a=ice-lite\r\n"), "{answer}");
    assert_eq!(lines(answer, "a=setup:passive").len(), 2, "{answer}");
    assert!(!answer.contains("a=ice-options:trickle"), "{answer}");
    // In each section: clients differ in which one they read.
    assert_eq!(lines(answer, "a=end-of-candidates").len(), 2);
    let candidates = lines(answer, "a=candidate:");
    assert_eq!(candidates.len(), 2 * engine.candidates().len(), "{answer}");
    for announced in engine.candidates() {
        let (protocol, address) = announced.split_once(':').expect("protocol and address");
        let (ip, port) = address.rsplit_once(':').expect("address and port");
        let place = format!(" {ip} {port} typ host");
        let told = |line: &&&str| {
            line.to_lowercase().contains(&format!(" {protocol} ")) && line.contains(&place)
        };
        assert_eq!(
            candidates.iter().filter(told).count(),
            2,
            "{announced} {candidates:?}"
        );
    }
    assert!(
        lines(answer, "a=candidate:")
            .iter()
            .any(|line| line.contains("tcptype passive"))
    );
    let ufrag = format!("a=ice-ufrag:{}", accepted.credentials.ufrag);
    assert_eq!(
        lines(answer, "a=ice-ufrag:"),
        [ufrag.as_str(), ufrag.as_str()]
    );
    assert!(answer.contains(&format!("a=ice-pwd:{}", accepted.credentials.pass)));
    assert!(answer.lines().all(|line| !line.contains('\n')) && answer.ends_with("\r\n"));
}

#[test]
fn mux_only_is_answered_where_it_was_offered() {
    let video = video("recvonly", &[VP8]) + "\na=rtcp-mux-only";
    assert!(answer(Role::Viewer, &[&video]).contains("a=rtcp-mux-only\r\n"));
    let plain = answer(Role::Viewer, &[SOUND]);
    assert!(plain.contains("a=rtcp-mux\r\n") && !plain.contains("a=rtcp-mux-only"));
}

#[test]
fn the_answer_to_a_browser_size_offer_stays_small() {
    // Everything that str0m can offer is about what a browser offers: each codec with its
    // profiles and retransmissions.
    for (role, direction) in [
        (Role::Publisher, Direction::SendOnly),
        (Role::Viewer, Direction::RecvOnly),
    ] {
        let all = |config: str0m::RtcConfig| {
            config
                .enable_h264(true)
                .enable_h265(true)
                .enable_vp9(true)
                .enable_av1(true)
        };
        let offer = Client::with(all, direction).offer();
        assert!(lines(&offer, "a=rtpmap:").len() > 20, "{offer}");
        let accepted = engine().accept(role, "town", &offer).expect("an answer");
        let bytes = accepted.answer.len();
        assert!(bytes < 8192, "{bytes} bytes:\n{}", accepted.answer);
    }
}

#[test]
fn a_candidate_is_usable_when_it_parses() {
    assert!(usable_candidate(
        "candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host"
    ));
    assert!(!usable_candidate("candidate:1 1 udp"));
    assert!(!usable_candidate(""));
}

/// About as much as an offer may say: 16 sections, all payload types in each, 64 candidates, and
/// parameters up to 64 kB.
fn bomb(bytes: usize) -> String {
    let formats: Vec<(u8, String)> = (0..=127).map(|pt| (pt, format!("apt={pt};x=1"))).collect();
    let rtx = |(pt, parameters): &(u8, String)| match pt % 2 {
        0 => (*pt, "VP8/90000", ""),
        _ => (*pt, "rtx/90000", parameters.clone().leak() as &str),
    };
    let formats: Vec<_> = formats.iter().map(rtx).collect();
    let mut sections = vec![video("sendrecv", &formats)];
    sections.extend((1..16).map(|_| video("sendrecv", &[VP8])));
    let candidates: String = (0..64)
        .map(|n| format!("\na=candidate:{n} 1 udp {n} 192.0.2.{n} 5000 typ host"))
        .collect();
    sections[0] += &candidates;
    let sections: Vec<&str> = sections.iter().map(String::as_str).collect();
    let mut sdp = offer(&sections);
    let mut number = 0;
    while sdp.len() < bytes {
        number += 1;
        sdp += &format!("a=fmtp:96 profile-level-id={number:06x};x={number}\r\n");
    }
    sdp
}

#[test]
fn the_largest_offers_are_answered_or_refused_and_cost_little() {
    let engine = engine();
    let sdp = bomb(64 * 1024);
    for role in [Role::Publisher, Role::Viewer] {
        for _ in 0..20 {
            match engine.accept(role, "town", &sdp) {
                Ok(accepted) => {
                    assert!(accepted.answer.len() < sdp.len(), "{}", accepted.answer);
                    assert!(engine.remove(accepted.peer));
                }
                Err(AcceptError::Offer(_)) => {}
                Err(AcceptError::Busy(text)) => panic!("{text}"),
            }
        }
    }
    assert_eq!(engine.counters().errors_panic.get(), 0);
    assert_eq!(engine.peers(), 0);
}

#[test]
fn offers_past_the_limits_are_refused_before_they_are_read() {
    let sections = vec![SOUND; 17];
    let candidate = "a=candidate:1 1 udp 1 192.0.2.1 5000 typ host\r\n".repeat(65);
    let bombs = [
        bomb(64 * 1024 + 1),
        offer(&sections),
        offer(&[SOUND]) + &candidate,
    ];
    for sdp in bombs {
        for role in [Role::Publisher, Role::Viewer] {
            let error = refused(role, &sdp);
            assert!(matches!(error, OfferError::Malformed(_)), "{error:?}");
        }
    }
    assert!(answer(Role::Viewer, &sections[..16]).contains("opus"));
}

//! What an answer agreed on for a viewer's track.

use std::sync::Arc;
use std::time::Instant;

use sluice_media_core::header::ExtensionIds;
use sluice_media_io::keying;
use sluice_media_io::offer::{Accepted, Identity, accept};
use sluice_media_io::peer::Role;
use sluice_media_io::settings::Addresses;
use sluice_media_io::viewer::format::{Format, Terms};
use str0m::crypto::from_feature_flags;
use str0m::format::{Codec, CodecSpec};

/// The sections that a browser offers to watch with, shortened to what matters here.
const SOUND: &str = "\
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=rtcp-fb:111 transport-cc
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;useinbandfec=1";

const PICTURE: &str = "\
m=video 9 UDP/TLS/RTP/SAVPF 96 97 102 103 104 105 98 99
a=extmap:14 urn:ietf:params:rtp-hdrext:toffset
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=extmap:13 urn:3gpp:video-orientation
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=extmap:5 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 goog-remb
a=rtcp-fb:96 transport-cc
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=rtpmap:102 H264/90000
a=rtcp-fb:102 nack pli
a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f
a=rtpmap:103 rtx/90000
a=fmtp:103 apt=102
a=rtpmap:104 H264/90000
a=fmtp:104 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f
a=rtpmap:105 rtx/90000
a=fmtp:105 apt=104
a=rtpmap:98 VP9/90000
a=fmtp:98 profile-id=0
a=rtpmap:99 rtx/90000
a=fmtp:99 apt=98";

fn offer(sections: &[String]) -> String {
    let mids: Vec<String> = (0..sections.len()).map(|mid| mid.to_string()).collect();
    let fingerprint = ["AB"; 32].join(":");
    let mut sdp = format!(
        "v=0\no=- 4611731400430051336 2 IN IP4 127.0.0.1\ns=-\nt=0 0\na=group:BUNDLE {}\n",
        mids.join(" ")
    );
    for (mid, section) in sections.iter().enumerate() {
        let (media, attributes) = section.split_once('\n').expect("an m-line and attributes");
        sdp += &format!(
            "{media}\nc=IN IP4 0.0.0.0\na=ice-ufrag:Zyx9\na=ice-pwd:0123456789abcdefghijklmn\n\
             a=fingerprint:sha-256 {fingerprint}\na=setup:actpass\na=mid:{mid}\na=recvonly\n\
             a=rtcp-mux\n{attributes}\n"
        );
    }
    sdp.replace('\n', "\r\n")
}

fn accepted(sections: &[String]) -> Accepted {
    let crypto = from_feature_flags();
    let certificate = crypto.dtls_provider.generate_certificate();
    let identity = Identity {
        certificate: certificate.expect("a certificate"),
        viewers: Arc::new(keying::withholding(&crypto)),
        publishers: Arc::new(crypto),
    };
    let addresses = Addresses {
        udp: vec!["127.0.0.1:5000".parse().expect("an address")],
        tcp: Vec::new(),
    };
    let offer = offer(sections);
    let accepted = accept(&offer, Role::Viewer, &identity, &addresses, Instant::now());
    accepted.expect("an answer")
}

/// The terms of sound and picture.
fn terms(sections: &[&str]) -> (Option<Terms>, Option<Terms>) {
    let sections: Vec<String> = sections.iter().map(|&section| section.to_owned()).collect();
    let mut accepted = accepted(&sections);
    let rtc = &mut accepted.rtc;
    let answer = &accepted.answer;
    let audio = accepted.audio.and_then(|mid| Terms::take(rtc, mid, answer));
    let video = accepted.video.and_then(|mid| Terms::take(rtc, mid, answer));
    (audio, video)
}

fn picture(section: &str) -> Terms {
    terms(&[section]).1.expect("a picture")
}

fn types(terms: &Terms) -> Vec<(Codec, u8, Option<u8>)> {
    let formats = terms.formats.iter();
    let mut types: Vec<_> = formats
        .map(|f| (f.spec.codec, f.payload_type, f.resend))
        .collect();
    types.sort_by_key(|(_, payload_type, _)| *payload_type);
    types
}

#[test]
fn a_browsers_offer_gives_each_track_its_own_ids() {
    let (sound, picture) = terms(&[SOUND, PICTURE]);
    let (sound, picture) = (sound.expect("sound"), picture.expect("a picture"));
    let sound_ids = ExtensionIds {
        mid: 4,
        transport_number: 3,
        send_time: 2,
        audio_level: 1,
        ..ExtensionIds::default()
    };
    let picture_ids = ExtensionIds {
        mid: 4,
        transport_number: 3,
        send_time: 2,
        playout_delay: 5,
        orientation: 13,
        audio_level: 0,
    };
    assert_eq!((sound.ids, picture.ids), (sound_ids, picture_ids));
    assert_ne!(sound.ssrc, picture.ssrc);
    assert_eq!(
        (sound.resend_ssrc, sound.mid.to_string()),
        (None, "0".to_owned())
    );
    assert!(picture.resend_ssrc.is_some_and(|ssrc| ssrc != picture.ssrc));
}

#[test]
fn the_formats_are_those_of_the_answer_with_their_resends() {
    let (sound, picture) = terms(&[SOUND, PICTURE]);
    assert_eq!(types(&sound.expect("sound")), [(Codec::Opus, 111, None)]);
    assert_eq!(
        types(&picture.expect("a picture")),
        [
            (Codec::Vp8, 96, Some(97)),
            (Codec::Vp9, 98, Some(99)),
            (Codec::H264, 102, Some(103)),
            (Codec::H264, 104, Some(105)),
        ]
    );
}

#[test]
fn an_offer_without_extensions_or_resends_has_neither() {
    let plain = "m=video 9 UDP/TLS/RTP/SAVPF 96\na=rtpmap:96 VP8/90000";
    let terms = picture(plain);
    assert_eq!(terms.ids, ExtensionIds::default());
    assert_eq!(types(&terms), [(Codec::Vp8, 96, None)]);
}

#[test]
fn ids_that_are_numbered_otherwise_are_taken_as_they_are() {
    let other = PICTURE
        .replace("extmap:5 ", "extmap:9 ")
        .replace("extmap:3 ", "extmap:7 ");
    let ids = picture(&other).ids;
    assert_eq!((ids.playout_delay, ids.transport_number), (9, 7));
}

#[test]
fn a_track_is_taken_once_and_the_stream_is_str0ms_no_more() {
    let mut accepted = accepted(&[PICTURE.to_owned()]);
    let mid = accepted.video.expect("a picture");
    let answer = accepted.answer.clone();
    let terms = Terms::take(&mut accepted.rtc, mid, &answer).expect("a picture");
    let mut direct = accepted.rtc.direct_api();
    assert!(direct.stream_tx(&terms.ssrc.into()).is_none());
    assert!(Terms::take(&mut accepted.rtc, mid, &answer).is_none());
    // The viewer knows the stream by the answer.
    assert!(answer.contains(&format!("a=ssrc:{} ", terms.ssrc)));
}

// ---- which format -----------------------------------------------------------------------------

fn chosen(terms: &Terms, change: impl FnOnce(&mut CodecSpec), of: u8) -> Option<u8> {
    let base = terms
        .formats
        .iter()
        .find(|f: &&Format| f.payload_type == of);
    let mut spec = base.expect("a format").spec;
    change(&mut spec);
    terms.format(&spec).map(|format| format.payload_type)
}

#[test]
fn the_same_profile_and_mode_is_the_first_choice() {
    let terms = picture(PICTURE);
    for payload_type in [96, 98, 102, 104] {
        assert_eq!(chosen(&terms, |_| (), payload_type), Some(payload_type));
    }
}

#[test]
fn another_profile_of_the_codec_is_better_than_none_and_the_mode_counts() {
    let terms = picture(PICTURE);
    let high = |spec: &mut CodecSpec| spec.format.profile_level_id = Some(0x64_0c1f);
    assert_eq!(chosen(&terms, high, 102), Some(102));
    assert_eq!(chosen(&terms, high, 104), Some(104));
}

#[test]
fn a_codec_that_the_viewer_does_not_take_has_no_format() {
    let terms = picture(PICTURE);
    let other = |spec: &mut CodecSpec| spec.codec = Codec::Av1;
    assert_eq!(chosen(&terms, other, 96), None);
}

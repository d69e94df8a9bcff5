//! What a peer is asked when it seems to have moved, and whose answer counts.

use std::time::{Duration, Instant};

use sluice_media_core::demux;
use sluice_media_core::routes::Path;
use sluice_media_io::question::{Credentials, Questions, is_genuine};
use str0m::IceCreds;
use str0m::ice::StunMessage;

fn credentials() -> Credentials {
    Credentials {
        local: IceCreds::new(),
        remote: IceCreds::new(),
    }
}

fn path(port: u16) -> Path {
    Path::Udp(([192, 0, 2, 1], port).into())
}

#[test]
fn a_question_is_a_check_that_the_peer_takes_and_that_chooses_nothing() {
    let credentials = credentials();
    let (local, remote) = (&credentials.local, &credentials.remote);
    let mut questions = Questions::default();
    let question = questions.ask(1, &credentials, path(1), Instant::now());
    let question = question.expect("a question");
    let message = StunMessage::parse(&question).expect("a message");
    assert!(message.is_binding_request());
    let names = Some((&*remote.ufrag, &*local.ufrag));
    assert_eq!(message.split_username(), names);
    assert!(!message.use_candidate());
    assert!(message.ice_controlled().is_some());
    assert!(message.prio().is_some());
    assert!(is_genuine(&question, remote));
    assert!(!is_genuine(&question, local));
}

#[test]
fn an_answer_counts_on_the_path_that_was_asked_about_and_once() {
    let mut questions = Questions::default();
    let now = Instant::now();
    let question = questions.ask(7, &credentials(), path(1), now);
    let transaction = demux::transaction(&question.expect("a question")).expect("a transaction");
    assert_eq!(questions.asked(transaction, path(1), now), Some(7));
    assert_eq!(questions.asked(transaction, path(2), now), None);
    assert_eq!(questions.asked([0; 12], path(1), now), None);
    let late = now + Duration::from_secs(3);
    assert_eq!(questions.asked(transaction, path(1), late), None);
    questions.answered(transaction);
    assert_eq!(questions.asked(transaction, path(1), now), None);
}

#[test]
fn a_peer_is_asked_ten_times_a_second_at_most_and_64_questions_are_kept() {
    let mut questions = Questions::default();
    let (now, credentials) = (Instant::now(), credentials());
    let mut ask = |peer, at| questions.ask(peer, &credentials, path(1), at);
    let first = ask(1, now).expect("a question");
    assert!(ask(1, now + Duration::from_millis(99)).is_none());
    assert!(ask(1, now + Duration::from_millis(100)).is_some());
    for peer in 2..65 {
        assert!(ask(peer, now).is_some());
    }
    let first = demux::transaction(&first).expect("a transaction");
    assert_eq!(questions.asked(first, path(1), now), None);
}

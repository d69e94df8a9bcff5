//! Which layer a packet says it belongs to.

use sluice_media_core::codec::Codec::{self, Av1, H264, H265, Opus, Vp8, Vp9};
use sluice_media_core::depacketize::{Layer, SwitchUp, layer_of};

const LOWEST: Layer = Layer {
    spatial: 0,
    temporal: 0,
    predicted: false,
    ends: false,
    switch_up: SwitchUp::No,
};

#[test]
fn vp8_tells_the_temporal_layer_and_its_sync_points() {
    let read = |extensions: &[u8], tag: u8| {
        let payload = [&[0x90][..], extensions, &[tag, 0, 0]].concat();
        layer_of(Vp8, &payload)
    };
    // T alone; ids, T and K; no T.
    assert_eq!(read(&[0x20, 0x00], 0), Some(LOWEST));
    let sync = Layer {
        temporal: 2,
        predicted: true,
        switch_up: SwitchUp::Here,
        ..LOWEST
    };
    assert_eq!(read(&[0xf0, 0x81, 0x23, 7, 0xa5], 1), Some(sync));
    assert_eq!(read(&[0xd0, 0x81, 0x23, 7, 0xa5], 1), None);
    assert_eq!(layer_of(Vp8, &[0x10, 0, 0, 0]), None);
}

#[test]
fn only_the_first_packet_of_a_vp8_keyframe_tells_that_it_is_one() {
    let goes_on = layer_of(Vp8, &[0x80, 0x20, 0x00, 0]);
    let predicted = Layer {
        predicted: true,
        ..LOWEST
    };
    assert_eq!(goes_on, Some(predicted));
}

#[test]
fn vp9_tells_both_layers_and_where_a_frame_ends() {
    // I, P, L, B: TID 2, U, SID 1, D.
    let read = layer_of(Vp9, &[0xe8, 0x11, 0x53, 7, 0x86]);
    let layer = Layer {
        spatial: 1,
        temporal: 2,
        predicted: true,
        ends: false,
        switch_up: SwitchUp::After,
    };
    assert_eq!(read, Some(layer));
    // L, F, E in flexible mode: SID 7.
    let read = layer_of(Vp9, &[0x34, 0x0e, 0x86]);
    let layer = Layer {
        spatial: 7,
        ends: true,
        ..LOWEST
    };
    assert_eq!(read, Some(layer));
    assert_eq!(layer_of(Vp9, &[0x08, 0x82]), Some(LOWEST));
}

#[test]
fn what_is_cut_short_or_of_another_codec_tells_nothing() {
    let others: [(Codec, &[u8]); 7] = [
        (Vp8, &[]),
        (Vp8, &[0x90, 0x20]),
        (Vp9, &[0xe8, 0x11]),
        (H264, &[0x65, 0, 0]),
        (H265, &[0x26, 1, 0]),
        (Av1, &[0x10, 0x30]),
        (Opus, &[0xfc, 0]),
    ];
    for (codec, payload) in others {
        assert_eq!(layer_of(codec, payload), None, "{codec:?} {payload:x?}");
    }
}

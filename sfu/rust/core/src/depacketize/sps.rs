//! The picture size in the sequence parameter sets of H.264 and H.265.

use super::bits::Bits;
use super::{h264, h265};

/// The size in an SPS that travels whole, alone or in a STAP-A.
pub(super) fn in_h264(payload: &[u8]) -> Option<(u16, u16)> {
    let is_sps = |nal: &&[u8]| nal.first().map(|&b| h264::kind(b)) == Some(h264::SPS);
    let nal = match h264::parse(payload).ok()? {
        h264::Packet::Single(nal) => Some(nal).filter(is_sps),
        h264::Packet::Aggregate(nals) => nals.flatten().find(is_sps),
        h264::Packet::Fragment(_) => None,
    }?;
    h264_sps(Bits::of_nal(nal.get(1..)?))
}

/// H.264 7.3.2.1.1, up to the cropping.
fn h264_sps(mut sps: Bits<'_>) -> Option<(u16, u16)> {
    let profile = sps.bits(8)?;
    sps.skip(16)?;
    sps.ue()?;
    let (mut chroma, mut planes) = (1, false);
    if matches!(
        profile,
        100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135
    ) {
        chroma = sps.ue()?;
        if chroma > 3 {
            return None;
        }
        planes = chroma == 3 && sps.bit()?;
        sps.ue()?;
        sps.ue()?;
        sps.skip(1)?;
        if sps.bit()? {
            skip_scaling_lists(&mut sps, if chroma == 3 { 12 } else { 8 })?;
        }
    }
    sps.ue()?;
    skip_picture_order(&mut sps)?;
    sps.ue()?;
    sps.skip(1)?;
    let width_blocks = sps.ue()?.checked_add(1)?;
    let height_units = sps.ue()?.checked_add(1)?;
    let frames_only = sps.bit()?;
    if !frames_only {
        sps.skip(1)?;
    }
    sps.skip(1)?;
    // Field pairs count map units, and crop units, of two rows.
    let rows = if frames_only { 1 } else { 2 };
    let (unit_x, unit_y) = chroma_unit(if planes { 0 } else { chroma });
    cropped(
        &mut sps,
        (width_blocks.checked_mul(16)?, unit_x),
        (height_units.checked_mul(16 * rows)?, unit_y * rows),
    )
}

/// H.264 7.3.2.1.1.1.
fn skip_scaling_lists(sps: &mut Bits<'_>, lists: u32) -> Option<()> {
    for list in 0..lists {
        if !sps.bit()? {
            continue;
        }
        let (mut last, mut next) = (8, 8);
        for _ in 0..if list < 6 { 16 } else { 64 } {
            if next != 0 {
                next = (last + sps.se()?).rem_euclid(256);
            }
            if next != 0 {
                last = next;
            }
        }
    }
    Some(())
}

fn skip_picture_order(sps: &mut Bits<'_>) -> Option<()> {
    match sps.ue()? {
        0 => sps.ue().map(drop),
        1 => {
            sps.skip(1)?;
            sps.se()?;
            sps.se()?;
            let count = sps.ue()?;
            if count > 255 {
                return None;
            }
            (0..count).try_for_each(|_| sps.se().map(drop))
        }
        2 => Some(()),
        _ => None,
    }
}

/// The size in a base layer SPS that travels whole, alone or in an AP.
pub(super) fn in_h265(payload: &[u8]) -> Option<(u16, u16)> {
    let is_sps = |nal: &&[u8]| nal.first().map(|&b| h265::kind(b)) == Some(h265::SPS);
    let nal = match h265::parse(payload).ok()? {
        h265::Packet::Single(nal) => Some(nal).filter(is_sps),
        h265::Packet::Aggregate(nals) => nals.flatten().find(is_sps),
        h265::Packet::Fragment(_) => None,
    }?;
    let (&[first, second], sps) = nal.split_first_chunk()?;
    let base_layer = first & 1 == 0 && second >> 3 == 0;
    base_layer.then(|| h265_sps(Bits::of_nal(sps))).flatten()
}

/// H.265 7.3.2.2.1, up to the conformance window.
fn h265_sps(mut sps: Bits<'_>) -> Option<(u16, u16)> {
    sps.skip(4)?;
    let sub_layers = sps.bits(3)?;
    sps.skip(1)?;
    skip_profile_tier_level(&mut sps, sub_layers)?;
    sps.ue()?;
    let chroma = sps.ue()?;
    if chroma > 3 {
        return None;
    }
    let planes = chroma == 3 && sps.bit()?;
    let (width, height) = (sps.ue()?, sps.ue()?);
    let (unit_x, unit_y) = chroma_unit(if planes { 0 } else { chroma });
    cropped(&mut sps, (width, unit_x), (height, unit_y))
}

/// H.265 7.3.3.
fn skip_profile_tier_level(sps: &mut Bits<'_>, sub_layers: u32) -> Option<()> {
    sps.skip(88 + 8)?;
    if sub_layers == 0 {
        return Some(());
    }
    let mut sub_layer_bits = 0;
    for _ in 0..sub_layers {
        sub_layer_bits += if sps.bit()? { 88 } else { 0 };
        sub_layer_bits += if sps.bit()? { 8 } else { 0 };
    }
    sps.skip(2 * (8 - sub_layers))?;
    sps.skip(sub_layer_bits)
}

/// Luma samples per crop unit, across and down (H.264 and H.265 table 6-1).
fn chroma_unit(chroma: u32) -> (u32, u32) {
    match chroma {
        1 => (2, 2),
        2 => (2, 1),
        _ => (1, 1),
    }
}

/// Reads the crop flag and offsets (left, right, top, bottom) and takes them off; each side is
/// given as its coded size and the size of a crop unit.
fn cropped(
    sps: &mut Bits<'_>,
    (width, unit_x): (u32, u32),
    (height, unit_y): (u32, u32),
) -> Option<(u16, u16)> {
    let (mut crop_x, mut crop_y) = (0, 0);
    if sps.bit()? {
        crop_x = sps.ue()?.checked_add(sps.ue()?)?.checked_mul(unit_x)?;
        crop_y = sps.ue()?.checked_add(sps.ue()?)?.checked_mul(unit_y)?;
    }
    Some((
        u16::try_from(width.checked_sub(crop_x)?).ok()?,
        u16::try_from(height.checked_sub(crop_y)?).ok()?,
    ))
}

//! Each target takes its seeds, whole and cut short at any byte, so that they do not rot.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sluice_media_fuzz::{TARGETS, named};

fn entries(folder: &Path) -> Vec<PathBuf> {
    let found = std::fs::read_dir(folder).expect("a folder of seeds");
    found.map(|entry| entry.expect("an entry").path()).collect()
}

fn seeds() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds")
}

#[test]
fn every_target_takes_its_seeds_whole_and_cut_short() {
    for target in TARGETS {
        let files = entries(&seeds().join(target.name));
        assert!(!files.is_empty(), "{} has no seed", target.name);
        for file in files {
            let bytes = std::fs::read(&file).expect("a seed");
            assert!((1..=2048).contains(&bytes.len()), "{}", file.display());
            for end in 0..=bytes.len() {
                (target.run)(&bytes[..end]);
            }
        }
    }
}

#[test]
fn every_folder_of_seeds_has_its_target() {
    let folders: BTreeSet<String> = entries(&seeds())
        .iter()
        .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
        .collect();
    let names: BTreeSet<String> = TARGETS.iter().map(|t| t.name.to_owned()).collect();
    assert_eq!(folders, names);
    assert!(named("rtcp").is_some() && named("none").is_none());
}

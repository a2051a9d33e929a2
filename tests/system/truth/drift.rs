//! Files whose columns changed: read by name where that is safe, refused with a sentence where it is not.

use super::source::Source;
use super::{accounts, assert_published_as_meant, live_release};
use crate::program::refresh;

fn drifted(kind: &str) -> Source {
    Source::published(&["--years", "2025-2026", "--scale", "0.1", "--drift", kind])
}

#[test]
#[ignore = "needs ../shared"]
fn shared_renamed_added_and_reordered_columns_change_no_count() {
    for (kind, extra) in [("renamed", vec![]), ("extra", vec!["Channel"]), ("reordered", vec![])] {
        let source = drifted(kind);
        let lake = assert_published_as_meant(&source);
        accounts::assert_hold(&source, lake.path());
        assert_eq!(live_release(lake.path())["inputs"][1]["extra_columns"], serde_json::json!(extra), "{kind}");
    }
}

#[test]
#[ignore = "needs ../shared"]
fn shared_a_file_without_a_column_or_with_other_separators_is_refused() {
    for (kind, says) in [
        ("missing", "lacks the column Ward; its header is \"Creation Date,Status,"),
        ("missing:Section", "lacks the column Section; its header is "),
        ("semicolon", "has ';' between its columns, expected a comma"),
    ] {
        let source = drifted(kind);
        let lake = tempfile::tempdir().unwrap();
        let ended = refresh(source.folder(), lake.path());
        assert_eq!((ended.code, ended.errors.len()), (1, 1), "{kind}: {:?}", ended.errors);
        assert!(ended.errors[0].starts_with(&format!("error: SR2026: {says}")), "{kind}: {:?}", ended.errors);
        let release = live_release(lake.path());
        let inputs = release["inputs"].as_array().unwrap();
        assert_eq!((inputs.len(), &inputs[0]["year"]), (1, &2025.into()), "{kind}: the other year is published");
    }
}

//! The embedding store: what was put comes back, and damage is named.

#![allow(clippy::unwrap_used)]

use std::{fs, path::PathBuf};

use embedtune_data::{Embed, Embeddings, Fingerprint, Role, TextHash};
use embedtune_index::{EmbeddingStore, IndexError, ShardDamage, Vectors, embed_cached};
use embedtune_testkit::{HashEmbed, temp_dir};
use proptest::prelude::*;

fn model() -> Fingerprint {
    Fingerprint("model-a".into())
}

fn open(folder: &tempfile::TempDir) -> Result<EmbeddingStore, IndexError> {
    EmbeddingStore::open(folder.path(), &model(), 3, Role::Document)
}

fn hashes(texts: &[String]) -> Vec<TextHash> {
    texts.iter().map(|text| TextHash::of(text)).collect()
}

fn shards(folder: &tempfile::TempDir) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|end| end == "vectors")).collect()
}

/// A store of two texts and the only shard of it.
fn stored() -> (tempfile::TempDir, PathBuf) {
    let folder = temp_dir();
    let vectors = Embeddings::new(3, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let texts = ["one".to_owned(), "two".to_owned()];
    open(&folder).unwrap().put(&hashes(&texts), Vectors::of(&vectors, &model())).unwrap();
    let shard = shards(&folder).remove(0);
    (folder, shard)
}

fn damage_of(folder: &tempfile::TempDir, shard: &PathBuf) -> ShardDamage {
    match open(folder).unwrap_err() {
        IndexError::DamagedShard { path, damage } => {
            assert_eq!(path, *shard);
            damage
        }
        other => panic!("{other}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_was_put_comes_back(batches in prop::collection::vec(
        prop::collection::vec((0u8..40, prop::array::uniform3(-10f32..10.0)), 0..12), 0..6,
    )) {
        let folder = temp_dir();
        let mut expected = std::collections::HashMap::new();
        for batch in &batches {
            let texts: Vec<String> = batch.iter().map(|(text, _)| format!("text {text}")).collect();
            let values = batch.iter().flat_map(|(_, vector)| *vector).collect();
            let vectors = Embeddings::new(3, values);
            open(&folder).unwrap().put(&hashes(&texts), Vectors::of(&vectors, &model())).unwrap();
            for (text, (_, vector)) in texts.into_iter().zip(batch) {
                expected.entry(text).or_insert(*vector);
            }
        }
        let store = open(&folder).unwrap();
        prop_assert_eq!(store.len(), expected.len());
        for (text, vector) in expected {
            prop_assert_eq!(store.get(TextHash::of(&text)).unwrap().unwrap(), vector.to_vec());
        }
        prop_assert!(!store.contains(TextHash::of("text 99")));
    }

    #[test]
    fn any_changed_byte_is_noticed(at in 0usize..112, flip in 1u8..=255) {
        let (folder, shard) = stored();
        let mut bytes = fs::read(&shard).unwrap();
        prop_assert_eq!(bytes.len(), 24 + 2 * (16 + 12) + 32);
        bytes[at] ^= flip;
        fs::write(&shard, bytes).unwrap();
        damage_of(&folder, &shard);
    }
}

#[test]
fn every_truncation_is_noticed() {
    let (folder, shard) = stored();
    let bytes = fs::read(&shard).unwrap();
    for length in 0..bytes.len() {
        fs::write(&shard, &bytes[..length]).unwrap();
        let damage = damage_of(&folder, &shard);
        assert!(matches!(damage, ShardDamage::Length { .. }), "{length} bytes: {damage}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    fs::write(&shard, longer).unwrap();
    assert!(matches!(damage_of(&folder, &shard), ShardDamage::Length { .. }));
    let message = open(&folder).unwrap_err().to_string();
    assert!(message.contains("remove this file"), "{message}");
}

#[test]
fn a_leftover_of_a_crash_is_ignored() {
    let (folder, _) = stored();
    fs::write(folder.path().join(".tmp-1-shard-00.vectors"), b"half").unwrap();
    assert_eq!(open(&folder).unwrap().len(), 2);
}

#[test]
fn another_model_role_or_dimension_is_refused() {
    let (folder, _) = stored();
    let other = Fingerprint("model-b".into());
    for (fingerprint, dim, role, field) in [
        (&other, 3, Role::Document, "model"),
        (&model(), 4, Role::Document, "dimension"),
        (&model(), 3, Role::Query, "role"),
    ] {
        let error = EmbeddingStore::open(folder.path(), fingerprint, dim, role).unwrap_err();
        assert!(
            matches!(error, IndexError::StoreMismatch { field: found, .. } if found == field),
            "{error}"
        );
    }
    let mut store = open(&folder).unwrap();
    let vectors = Embeddings::new(3, vec![0.0; 3]);
    let error = store.put(&[TextHash::of("x")], Vectors::of(&vectors, &other)).unwrap_err();
    assert!(matches!(error, IndexError::Fingerprint { .. }), "{error}");
    let broken = Embeddings::new(3, vec![0.0, f32::NAN, 0.0]);
    let error = store.put(&[TextHash::of("x")], Vectors::of(&broken, &model())).unwrap_err();
    assert!(matches!(error, IndexError::NotFinite { row: 0, column: 1, .. }), "{error}");
    assert_eq!(shards(&folder).len(), 1);
}

#[test]
fn vectors_of_another_precision_are_refused() {
    let (folder, _) = stored();
    let open_as = |precision| {
        EmbeddingStore::open_format(folder.path(), &model(), 3, Role::Document, precision)
    };
    let error = open_as("int8").unwrap_err();
    assert!(
        matches!(&error, IndexError::StoreMismatch { field: "precision", found, .. } if found == "f32"),
        "{error}"
    );
    assert_eq!(open_as("f32").unwrap().len(), 2);

    // A manifest of before there were several formats.
    let path = folder.path().join("manifest.json");
    let mut manifest: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(manifest.as_object_mut().unwrap().remove("precision").unwrap(), "f32");
    fs::write(&path, manifest.to_string()).unwrap();
    assert_eq!(open(&folder).unwrap().len(), 2);
    assert!(open_as("bf16").is_err());
}

#[test]
fn a_broken_manifest_names_its_line() {
    let (folder, _) = stored();
    fs::write(folder.path().join("manifest.json"), "{\n\"format\": 3\n}").unwrap();
    let message = open(&folder).unwrap_err().to_string();
    assert!(message.contains("manifest.json: line 2"), "{message}");
}

#[test]
fn no_text_is_embedded_twice() {
    let folder = temp_dir();
    let model = HashEmbed::new(8, 1);
    let mut store =
        EmbeddingStore::open(folder.path(), &model.fingerprint(), 8, Role::Document).unwrap();
    let texts = ["red fish", "blue fish", "red fish"];
    let first = embed_cached(&model, &texts, Role::Document, Some(&mut store)).unwrap();
    assert_eq!(model.texts(), 2);
    assert_eq!(first, model.embed(&texts, Role::Document).unwrap());

    let embedded = model.texts();
    let mut store =
        EmbeddingStore::open(folder.path(), &model.fingerprint(), 8, Role::Document).unwrap();
    let more = ["blue fish", "one fish", "red fish"];
    let second = embed_cached(&model, &more, Role::Document, Some(&mut store)).unwrap();
    assert_eq!(model.texts(), embedded + 1);
    assert_eq!(second.row(0), first.row(1));
    assert_eq!(second.row(2), first.row(0));

    let uncached = embed_cached(&model, &more, Role::Document, None).unwrap();
    assert_eq!(uncached, second);
    let error = embed_cached(&model, &more, Role::Query, Some(&mut store)).unwrap_err();
    assert!(matches!(error, IndexError::Role { .. }), "{error}");
    let other = HashEmbed::new(8, 2);
    let error = embed_cached(&other, &more, Role::Document, Some(&mut store)).unwrap_err();
    assert!(matches!(error, IndexError::Fingerprint { .. }), "{error}");
}

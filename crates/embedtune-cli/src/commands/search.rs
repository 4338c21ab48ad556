//! `embedtune search`.

use std::path::Path;

use anyhow::Result;
use embedtune_data::{Corpus, Embed, Role, read_corpus};
use embedtune_index::{ExactIndex, VectorIndex, Vectors};
use serde::Serialize;

use crate::{
    args::SearchArgs,
    model, output,
    progress::{Console, thousands},
};

/// Characters of a document that are shown.
const EXCERPT: usize = 160;
/// Documents that are encoded at a time.
const CHUNK: usize = 1024;

#[derive(Serialize)]
struct Found<'a> {
    query: &'a str,
    results: Vec<Hit<'a>>,
}

#[derive(Serialize)]
struct Hit<'a> {
    rank: usize,
    id: &'a str,
    score: f32,
    text: &'a str,
}

/// Searches documents.
pub(crate) fn run(args: &SearchArgs, console: Console) -> Result<()> {
    let corpus = read(&args.data)?;
    let loaded = model::load(&args.model, console)?;
    console.line(&format!("{}: {} documents", args.data.display(), thousands(corpus.len())));
    let model = &loaded.model;
    let fingerprint = model.fingerprint();
    let bar = console.bar("documents", corpus.len() as u64);
    let mut vectors = Vec::with_capacity(corpus.len() * model.dim());
    for chunk in corpus.texts().chunks(CHUNK) {
        let chunk: Vec<&str> = chunk.iter().map(String::as_str).collect();
        vectors.extend(model.embed(&chunk, Role::Document)?.into_vec());
        bar.set((vectors.len() / model.dim()) as u64, "encoded");
    }
    bar.finish();
    let vectors = embedtune_data::Embeddings::new(model.dim(), vectors);
    let index = ExactIndex::new(vectors, fingerprint.clone())?;
    let queries: Vec<&str> = args.query.iter().map(String::as_str).collect();
    let queries_embedded = model.embed(&queries, Role::Query)?;
    let neighbors = index.search(Vectors::of(&queries_embedded, &fingerprint), args.top_k)?;
    let found: Vec<Found<'_>> = queries
        .into_iter()
        .zip(neighbors)
        .map(|(query, neighbors)| {
            let hit = |(rank, neighbor): (usize, embedtune_index::Neighbor)| Hit {
                rank,
                id: &corpus.ids()[neighbor.id as usize],
                score: neighbor.score,
                text: &corpus.texts()[neighbor.id as usize],
            };
            Found { query, results: (1..).zip(neighbors).map(hit).collect() }
        })
        .collect();
    if args.json {
        return output::print_json(&found);
    }
    output::print(&listing(&found))
}

fn read(path: &Path) -> Result<Corpus> {
    let file = if path.is_dir() { path.join("corpus.jsonl") } else { path.to_owned() };
    Ok(read_corpus(file)?)
}

fn listing(found: &[Found<'_>]) -> String {
    let mut text = String::new();
    for Found { query, results } in found {
        text.push_str(&format!("{query}\n"));
        for Hit { rank, id, score, text: document } in results {
            let excerpt: String = document.chars().take(EXCERPT).collect();
            let dots = if document.chars().count() > EXCERPT { "…" } else { "" };
            let excerpt = excerpt.split_whitespace().collect::<Vec<_>>().join(" ");
            text.push_str(&format!("{rank:>4}  {score:.4}  {id}  {excerpt}{dots}\n"));
        }
    }
    text
}

//! Checks of a retrieval data set.

use std::collections::HashSet;

use super::{CheckReport, Finding, FindingKind, Severity, SplitTexts, char_stats};
use crate::{BeirData, Split, TextHash};

impl CheckReport {
    /// Checks documents, queries and judgements, and what dev and test share with train.
    pub fn of_beir(data: &BeirData) -> Self {
        let judged = || data.splits().filter_map(|split| data.qrels(split));
        let mut report = Self {
            name: data.name.clone(),
            rows: judged().map(embedtune_metrics::Qrels::judgement_count).sum(),
            queries: data.queries.len(),
            documents: data.corpus.len(),
            query_chars: char_stats(data.queries.texts().iter().map(String::as_str)),
            document_chars: char_stats(data.corpus.texts().iter().map(String::as_str)),
            ..Self::default()
        };
        report.add(repeated(
            FindingKind::DuplicateDocuments,
            data.corpus.ids(),
            data.corpus.texts(),
        ));
        report.add(repeated(
            FindingKind::DuplicateQueries,
            data.queries.ids(),
            data.queries.texts(),
        ));
        let idle: Vec<&str> = judged()
            .flat_map(|qrels| qrels.query_ids().filter(|id| qrels.relevant(id).next().is_none()))
            .collect();
        let what = FindingKind::QueriesWithoutRelevant;
        report.add(Finding::new(Severity::Warning, what, idle.len(), &idle));
        let texts = |split: Split| {
            let qrels = data.qrels(split)?;
            Some(SplitTexts::of_qrels(split.to_string(), &data.corpus, &data.queries, qrels))
        };
        if let Some(train) = texts(Split::Train) {
            for other in [Split::Dev, Split::Test].into_iter().filter_map(texts) {
                report.add_overlap(&train, &other);
            }
        }
        report
    }
}

/// Texts that came before under another id.
fn repeated(what: FindingKind, ids: &[String], texts: &[String]) -> Finding {
    let mut seen = HashSet::new();
    let again: Vec<&String> = ids
        .iter()
        .zip(texts)
        .filter(|(_, text)| !seen.insert(TextHash::of(text)))
        .map(|(id, _)| id)
        .collect();
    Finding::new(Severity::Info, what, again.len(), again)
}

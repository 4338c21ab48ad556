//! From documents, queries and relevance judgements to training rows.

mod negatives;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::BuildHasher,
};

use embedtune_metrics::Qrels;
use serde::{Deserialize, Serialize};

use crate::{Corpus, DataError, Dataset, Example, Queries, TextId};
use negatives::Chooser;

/// How many negatives each row gets, by where they come from, in this order. Where there are not
/// so many, the row has fewer; nothing is filled up in silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct NegativeMix {
    /// Documents judged not relevant (grade 0): the best there are, in sets that have them.
    pub judged: usize,
    /// Documents mined beforehand, in the order of the list: hardest first.
    pub mined: usize,
    /// Documents drawn at random: easy, but never wrong for long.
    pub random: usize,
}

impl NegativeMix {
    /// Sets [`judged`](Self::judged).
    pub fn with_judged(mut self, judged: usize) -> Self {
        self.judged = judged;
        self
    }

    /// Sets [`mined`](Self::mined).
    pub fn with_mined(mut self, mined: usize) -> Self {
        self.mined = mined;
        self
    }

    /// Sets [`random`](Self::random).
    pub fn with_random(mut self, random: usize) -> Self {
        self.random = random;
        self
    }
}

/// What a build has made of the judgements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BuildReport {
    /// Rows of the dataset.
    pub rows: usize,
    /// Judgements whose query text and document text another row has already: rows that weigh
    /// twice, or that were left out by [`DatasetBuilder::with_skip_repeated`].
    pub repeated: usize,
    /// Negatives that were judged not relevant.
    pub judged: usize,
    /// Negatives that were mined.
    pub mined: usize,
    /// Negatives that were drawn at random.
    pub random: usize,
    /// Negatives that the mix asked for and that there were none for.
    pub short: usize,
}

/// Builds pairs, triplets or n-tuples: one row for each relevant document of each query.
///
/// All that is judged relevant (any grade above 0) is registered as a known positive, so that
/// samplers and losses keep it out of the negatives. That, and what may be a negative, goes by text
/// as well as by id: a document that repeats a relevant one is as relevant.
///
/// ```
/// use embedtune_data::{Corpus, DatasetBuilder, Document, NegativeMix, Queries};
/// use embedtune_metrics::Qrels;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut corpus = Corpus::new();
/// for (id, text) in [("d1", "A library."), ("d2", "A fruit."), ("d3", "A city.")] {
///     corpus.push(Document { id: id.into(), text: text.into(), ..Document::default() });
/// }
/// let mut queries = Queries::new();
/// queries.push("q1", "what is a crate?");
/// let mut train = Qrels::new();
/// train.insert("q1", "d1", 1)?;
/// train.insert("q1", "d2", 0)?;
///
/// let mix = NegativeMix::default().with_judged(1).with_random(1);
/// let (dataset, report) =
///     DatasetBuilder::new(&corpus, &queries, &train).with_mix(mix).build("example")?;
/// let negatives = &dataset.rows[0].negatives;
/// assert_eq!(dataset.texts.text(negatives[0]), "A fruit.");
/// assert_eq!(dataset.texts.text(negatives[1]), "A city.");
/// assert_eq!((report.judged, report.random, report.short), (1, 1, 0));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct DatasetBuilder<'a> {
    corpus: &'a Corpus,
    queries: &'a Queries,
    qrels: &'a Qrels,
    mined: BTreeMap<&'a str, &'a [String]>,
    mix: NegativeMix,
    relevant_from: i32,
    skip_repeated: bool,
    seed: u64,
}

impl<'a> DatasetBuilder<'a> {
    /// Pairs of each query and each document with a grade above 0, until told otherwise. Give it
    /// the judgements of the training split only.
    pub fn new(corpus: &'a Corpus, queries: &'a Queries, qrels: &'a Qrels) -> Self {
        Self {
            corpus,
            queries,
            qrels,
            mined: BTreeMap::new(),
            mix: NegativeMix::default(),
            relevant_from: 1,
            skip_repeated: false,
            seed: 42,
        }
    }

    /// Sets how many negatives each row gets.
    pub fn with_mix(mut self, mix: NegativeMix) -> Self {
        self.mix = mix;
        self
    }

    /// Sets the mined documents by query id, hardest first. Known positives among them are passed
    /// over.
    pub fn with_mined<S: BuildHasher>(
        mut self,
        mined: &'a HashMap<String, Vec<String>, S>,
    ) -> Self {
        self.mined = mined.iter().map(|(query, ids)| (query.as_str(), ids.as_slice())).collect();
        self
    }

    /// Sets the grade from which a document is a positive of a row. Lower grades above 0 make no
    /// row and serve as no negative.
    pub fn with_relevant_from(mut self, grade: i32) -> Self {
        self.relevant_from = grade;
        self
    }

    /// Leaves out a row when another one has the same query text and the same document text. Off,
    /// so that each judgement is a row, as other trainers have it.
    pub fn with_skip_repeated(mut self, skip: bool) -> Self {
        self.skip_repeated = skip;
        self
    }

    /// Sets the seed of the random negatives. Those of a query depend on the seed, the query and
    /// the corpus, not on the other queries.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Builds the dataset `name`: rows in order of query id and document id.
    ///
    /// # Errors
    /// If the judgements or the mined lists name an unknown query or document, or if there is no
    /// row.
    pub fn build(&self, name: impl Into<String>) -> Result<(Dataset, BuildReport), DataError> {
        if self.relevant_from < 1 {
            return Err(DataError::Setting {
                name: "relevant_from",
                value: self.relevant_from.to_string(),
                expected: "a grade of at least 1",
            });
        }
        self.check_mined()?;
        let name = name.into();
        let mut dataset = Dataset::of_relevant(self.corpus, self.queries, self.qrels)?;
        let mut report = BuildReport::default();
        let mut seen = HashSet::new();
        for query in self.qrels.query_ids() {
            self.add_rows(query, &mut dataset, &mut seen, &mut report);
        }
        if dataset.is_empty() {
            return Err(DataError::NoPositives { name, relevant_from: self.relevant_from });
        }
        report.rows = dataset.len();
        dataset.name = name;
        tracing::info!(name = dataset.name, ?report, "built training rows");
        Ok((dataset, report))
    }

    /// Adds the rows of one query.
    fn add_rows(
        &self,
        query: &str,
        dataset: &mut Dataset,
        seen: &mut HashSet<(TextId, TextId)>,
        report: &mut BuildReport,
    ) {
        let Some(judgements) = self.qrels.judgements(query) else { return };
        let anchor = self.anchor(dataset, query);
        let mined = self.mined.get(query).copied();
        let mut chooser = Chooser::new(self.corpus, query, judgements, mined, self.seed);
        for (document, _) in judgements.iter().filter(|&(_, &it)| it >= self.relevant_from) {
            let positive = self.document(dataset, document);
            if !seen.insert((anchor, positive)) {
                report.repeated += 1;
                if self.skip_repeated {
                    continue;
                }
            }
            let negatives = chooser.choose(dataset, anchor, self.mix, report);
            dataset.push(Example { negatives, ..Example::pair(anchor, positive) });
        }
    }

    fn anchor(&self, dataset: &Dataset, query: &str) -> TextId {
        let number = self.queries.find(query).expect("every judged query was found before");
        let text = &self.queries.texts()[number as usize];
        dataset.texts.find(text).expect("every judged query was interned before")
    }

    fn document(&self, dataset: &mut Dataset, document: &str) -> TextId {
        let number = self.corpus.find(document).expect("every relevant document was found before");
        dataset.texts.intern(&self.corpus.texts()[number as usize])
    }

    fn check_mined(&self) -> Result<(), DataError> {
        let unknown = |kind, id: &str| DataError::UnknownReference {
            what: "mined negatives",
            kind,
            id: id.to_owned(),
        };
        for (&query, documents) in &self.mined {
            if self.queries.find(query).is_none() {
                return Err(unknown("query", query));
            }
            let missing = documents.iter().find(|id| self.corpus.find(id).is_none());
            if let Some(id) = missing {
                return Err(unknown("document", id));
            }
        }
        Ok(())
    }
}

impl Dataset {
    /// No rows, but the texts of all judged queries and of their relevant documents, and what is
    /// relevant to what.
    pub(crate) fn of_relevant(
        corpus: &Corpus,
        queries: &Queries,
        qrels: &Qrels,
    ) -> Result<Self, DataError> {
        let unknown = |kind, id: &str| DataError::UnknownReference {
            what: "relevance judgements",
            kind,
            id: id.to_owned(),
        };
        let mut dataset = Self::default();
        for (query, judgements) in qrels.iter() {
            let number = queries.find(query).ok_or_else(|| unknown("query", query))?;
            let anchor = dataset.texts.intern(&queries.texts()[number as usize]);
            for (id, &grade) in judgements {
                let number = corpus.find(id).ok_or_else(|| unknown("document", id))?;
                if grade > 0 {
                    let document = dataset.texts.intern(&corpus.texts()[number as usize]);
                    dataset.add_known_positive(anchor, document);
                }
            }
        }
        Ok(dataset)
    }
}

//! The data: documentation of crates or the user's own, cut to the time there is.

use std::path::Path;

use anyhow::{Result, bail};
use embedtune_data::{BeirData, Split, write_beir};
use embedtune_encoder::EmbeddingModel;
use embedtune_metrics::Qrels;

use super::{EMBEDDING_SHARE, Run, budget::Speed, subset};
use crate::{progress::thousands, rustdoc_corpus::RustdocCorpus};

impl Run<'_> {
    /// The data, cut to the time and written into the output.
    pub(super) fn data(&self, model: &EmbeddingModel) -> Result<(BeirData, Vec<String>)> {
        let seconds = 60.0 * self.args.minutes - self.started.elapsed().as_secs_f64();
        let path = self.out.join("data");
        let (data, notes) = match &self.args.data {
            Some(directory) => self.own_data(model, directory, &path, seconds)?,
            None => self.documentation(model, &path, seconds)?,
        };
        let of = |split| data.qrels(split).map_or(0, Qrels::len);
        self.console.line(&format!(
            "{}: {} documents; {} queries to train on, {} dev, {} test",
            data.name,
            thousands(data.corpus.len()),
            thousands(of(Split::Train)),
            thousands(of(Split::Dev)),
            thousands(of(Split::Test))
        ));
        notes.iter().for_each(|note| self.console.line(&format!("note: {note}")));
        Ok((data, notes))
    }

    fn documentation(
        &self,
        model: &EmbeddingModel,
        path: &Path,
        seconds: f64,
    ) -> Result<(BeirData, Vec<String>)> {
        let found = RustdocCorpus::collect()?;
        let available = found.available();
        let all = available.train + available.dev + available.test;
        let speed = self.measure(model, &found.sample(256))?;
        let mut data = found.write(path, speed.fit(seconds, available))?;
        data.name = "documentation of Rust crates".to_owned();
        let notes = vec![
            format!(
                "{} items of {} crates have documentation to learn from; {} were taken to fit \
                 {} minutes",
                thousands(all),
                found.crates(),
                thousands(data.queries.len()),
                self.args.minutes
            ),
            "split by families of crates: no crate of the test split is in training".to_owned(),
        ];
        Ok((data, notes))
    }

    fn own_data(
        &self,
        model: &EmbeddingModel,
        directory: &Path,
        path: &Path,
        seconds: f64,
    ) -> Result<(BeirData, Vec<String>)> {
        let whole = BeirData::open(directory)?;
        if whole.qrels(Split::Test).is_none() {
            bail!(
                "{}: no qrels/test.tsv; `embedtune prepare` makes a test split",
                directory.display()
            );
        }
        let speed = self.measure(model, &subset::sample(&whole, 256)?)?;
        let sizes = speed.fit(seconds * (1.0 - EMBEDDING_SHARE), subset::available(&whole));
        let documents = speed.documents(seconds * EMBEDDING_SHARE);
        let data = subset::cut(&whole, sizes, documents, self.args.seed)?;
        let splits: Vec<(Split, &Qrels)> =
            data.splits().filter_map(|split| Some((split, data.qrels(split)?))).collect();
        write_beir(path, &data.corpus, &data.queries, &splits)?;
        let mut notes = Vec::new();
        if data.corpus.len() < whole.corpus.len() || data.queries.len() < whole.queries.len() {
            notes.push(format!(
                "cut to {} of {} documents and {} of {} queries to fit {} minutes: figures are \
                 higher than on the whole",
                thousands(data.corpus.len()),
                thousands(whole.corpus.len()),
                thousands(data.queries.len()),
                thousands(whole.queries.len()),
                self.args.minutes
            ));
        }
        Ok((data, notes))
    }

    fn measure(&self, model: &EmbeddingModel, texts: &[(String, String)]) -> Result<Speed> {
        let speed = Speed::measure(model, texts)?;
        self.console.line(&format!(
            "this machine embeds {} and trains {} tokens a second",
            thousands(speed.embed as usize),
            thousands(speed.train as usize)
        ));
        Ok(speed)
    }
}

//! What is compared: a model, or what another program retrieved.

use std::path::Path;

use anyhow::{Context, Result, bail};
use embedtune_data::Fingerprint;
use embedtune_encoder::EmbeddingModel;
use embedtune_eval::{Evaluation, RetrievalEvaluator};
use embedtune_metrics::Run;
use serde::Serialize;

use crate::{args::CompareArgs, commands::eval::evaluate, model, progress::Console, report::short};

/// One side of the comparison.
pub(super) struct Side {
    /// `A` or `B`.
    letter: &'static str,
    /// As it was given.
    given: String,
    system: System,
}

enum System {
    Model(Box<EmbeddingModel>),
    Run(Run),
}

/// One side, for the reader.
#[derive(Debug, Serialize)]
pub(super) struct SideFacts {
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) fingerprint: Fingerprint,
}

impl Side {
    /// Loads both sides.
    pub(super) fn both(args: &CompareArgs, console: Console) -> Result<[Self; 2]> {
        let [a, b] = [("A", &args.a), ("B", &args.b)]
            .map(|(letter, given)| Self::load(letter, given, args, console));
        Ok([a?, b?])
    }

    fn load(
        letter: &'static str,
        given: &str,
        args: &CompareArgs,
        console: Console,
    ) -> Result<Self> {
        let path = Path::new(given);
        let system = if path.is_file() {
            let run = Run::read(path)
                .with_context(|| format!("{letter} is a file, so it is read as a run"))?;
            if run.is_empty() {
                bail!("{letter}: {given} holds no result; a run has a line for each");
            }
            System::Run(run)
        } else {
            let source = model::find(given, console).with_context(|| letter.to_owned())?;
            let model = model::load_from(&source, args.max_seq_len, args.precision);
            System::Model(Box::new(model.with_context(|| letter.to_owned())?))
        };
        Ok(Self { letter, given: given.to_owned(), system })
    }

    pub(super) fn is_run(&self) -> bool {
        matches!(self.system, System::Run(_))
    }

    /// The fingerprint, where it is known before anything is retrieved.
    pub(super) fn fingerprint(&self) -> Option<Fingerprint> {
        match &self.system {
            System::Model(model) => Some(model.fingerprint()),
            System::Run(_) => None,
        }
    }

    /// A short name.
    pub(super) fn name(&self) -> &str {
        short(&self.given)
    }

    pub(super) fn facts(&self, evaluation: &Evaluation) -> SideFacts {
        let kind = if self.is_run() { "run" } else { "model" };
        let fingerprint = evaluation.fingerprint.clone();
        SideFacts { name: self.given.clone(), kind, fingerprint }
    }

    /// Encodes and searches, or scores the run.
    pub(super) fn evaluate(
        &self,
        evaluator: &RetrievalEvaluator,
        complete: bool,
        console: Console,
    ) -> Result<Evaluation> {
        let run = match &self.system {
            System::Model(model) => {
                console.line(&format!("{}: {}", self.letter, self.given));
                return evaluate(evaluator, model, console);
            }
            System::Run(run) => run,
        };
        let name = || format!("{}: {}", self.letter, self.given);
        let evaluation = evaluator.evaluate_run(run).with_context(name)?;
        let missing = evaluation.report.missing_queries();
        if let (Some(first), false) = (missing.first(), complete) {
            bail!(
                "{}: nothing is retrieved for {} of {} judged queries (the first is {first:?}), and \
                 both sides must answer the same; --complete counts them as 0, as trec_eval -c",
                name(),
                missing.len(),
                evaluation.report.query_ids().len(),
            );
        }
        Ok(evaluation)
    }
}

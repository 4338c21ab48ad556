use std::{num::NonZeroUsize, path::PathBuf};

use clap::{Args, ValueEnum};
use embedtune_metrics::EvaluateOptions;

const EXAMPLE: &str = "\
The flags are those of trec_eval, and so is the output, byte for byte. Measures are named as there
(map, P.5,10, ndcg.1=3.5,2=9; official, all_trec, set), as in pytrec_eval (ndcg_cut_10), or as in
embedtune eval (ndcg@10, mrr@10, err@20, judged@10, rbp_binary(p=0.8), ndcg_exp@10, map_capped@100).

Examples:
  embedtune metrics -q -m ndcg_cut.10 -m recall.100 qrels.txt run.txt
  embedtune metrics -c -m all_trec qrels/test.tsv run.json --json";

/// Score a run against relevance judgements, as trec_eval does
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct MetricsArgs {
    /// Judgements: TREC, BEIR (TSV with a header) or JSON {"query": {"document": grade}}
    #[arg(value_name = "QRELS")]
    pub(crate) qrels: PathBuf,
    /// Run: TREC or JSON {"query": {"document": score}}; - is stdin
    #[arg(value_name = "RUN")]
    pub(crate) run: PathBuf,
    /// Measure, with parameters after a dot; may be given several times [default: official]
    #[arg(long = "measure", short, value_name = "NAME")]
    pub(crate) measure: Vec<String>,
    // The id is that of the global --quiet, whose place -q takes in this command.
    /// Print every query, too (here, -q is not --quiet)
    #[arg(id = "quiet", long = "per-query", alias = "query_eval_wanted", short = 'q')]
    pub(crate) per_query: bool,
    /// Count judged queries that are missing from the run as 0
    #[arg(long, short, alias = "complete_rel_info_wanted")]
    pub(crate) complete: bool,
    /// Lowest grade that counts as relevant
    #[arg(long, short, alias = "level_for_rel", default_value_t = 1, value_name = "GRADE")]
    pub(crate) level: i32,
    /// Print no summary over all queries
    #[arg(long, short, alias = "nosummary")]
    pub(crate) no_summary: bool,
    /// Documents of each query that are looked at
    #[arg(long, short = 'M', alias = "Max_retrieved_per_topic", value_name = "N")]
    pub(crate) depth: Option<NonZeroUsize>,
    /// Documents in the collection, for utility
    #[arg(long, short = 'N', alias = "Number_docs_in_coll", default_value_t = 0, value_name = "N")]
    pub(crate) collection_size: u64,
    /// Take documents that nobody judged out of the run first
    #[arg(long, short = 'J', alias = "Judged_docs_only")]
    pub(crate) judged_only: bool,
    /// Print distances from the means in FILE, in standard deviations
    #[arg(long, short = 'Z', alias = "Zscore", value_name = "FILE")]
    pub(crate) zscores: Option<PathBuf>,
    /// Whose ties, precision and missing queries to follow
    #[arg(long = "as", value_enum, default_value_t = Convention::TrecEval, value_name = "TOOL")]
    pub(crate) convention: Convention,
    /// Print JSON, with every digit
    #[arg(long)]
    pub(crate) json: bool,
    /// Format of the judgements, for scripts made for trec_eval; only qrels can be read
    #[arg(short = 'R', long = "Rel_info_format", hide = true, value_parser = ["qrels"])]
    pub(crate) rel_info_format: Option<String>,
    /// Format of the run, for scripts made for trec_eval; only trec_results can be read
    #[arg(short = 'T', long = "Results_format", hide = true, value_parser = ["trec_results"])]
    pub(crate) results_format: Option<String>,
}

/// The conventions of other tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "kebab-case")]
pub(crate) enum Convention {
    /// Version 10: ties by id descending, double precision
    TrecEval,
    /// Version 9.0.8: other recall points in interpolated precision
    #[value(name = "trec-eval-9")]
    TrecEval9,
    /// And trec_eval before 9.0.8: as 9.0.8, in single precision
    PytrecEval,
    /// Ties in the order of the file; missing queries count as 0
    Ranx,
    /// Ties by id ascending; queries without a relevant document are left out
    SentenceTransformers,
}

impl Convention {
    fn options(self) -> EvaluateOptions {
        match self {
            Self::TrecEval => EvaluateOptions::trec_eval(),
            Self::TrecEval9 => EvaluateOptions::trec_eval_9(),
            Self::PytrecEval => EvaluateOptions::pytrec_eval(),
            Self::Ranx => EvaluateOptions::ranx(),
            Self::SentenceTransformers => EvaluateOptions::sentence_transformers(),
        }
    }
}

impl MetricsArgs {
    pub(crate) fn options(&self) -> EvaluateOptions {
        let options = self.convention.options();
        let complete = options.complete || self.complete;
        options
            .with_complete(complete)
            .with_relevance_level(self.level)
            .with_depth(self.depth)
            .with_collection_size(self.collection_size)
            .with_judged_only(self.judged_only)
    }
}

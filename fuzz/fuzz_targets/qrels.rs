//! Reading judgements and runs: any bytes are a value or an error, and what is read as TREC
//! judgements is written and read again as the same.

#![no_main]

use embedtune_metrics::{Qrels, Run};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let _ = Qrels::read_beir_tsv_from(input, "input");
    let _ = Qrels::read_json_from(input, "input");
    let _ = Run::read_trec_from(input, "input");
    let _ = Run::read_json_from(input, "input");
    if let Ok(qrels) = Qrels::read_trec_from(input, "input") {
        let mut written = Vec::new();
        // An id that would read as a comment is refused.
        if qrels.write_trec_to(&mut written).is_ok() {
            let back = Qrels::read_trec_from(&written[..], "written").expect("it was written");
            assert_eq!(back, qrels);
        }
    }
});

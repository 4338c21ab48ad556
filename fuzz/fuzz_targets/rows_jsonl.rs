//! Reading training rows: any bytes, in each format, are rows or an error.

#![no_main]

use std::io::Cursor;

use embedtune_data::{RowFormat, RowReader};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    for format in [RowFormat::Jsonl, RowFormat::Json, RowFormat::Csv, RowFormat::Tsv] {
        let Ok(rows) = RowReader::from_reader(Cursor::new(input.to_vec()), "input", format, None)
        else {
            continue;
        };
        assert!(rows.count() > 0, "no rows is an error");
    }
});

//! Draws a report that was kept as JSON: `report_page REPORT.json PAGE.html`.

use std::{env, error::Error, fs};

use embedtune_eval::{HtmlReport, JsonReport};

fn main() -> Result<(), Box<dyn Error>> {
    let mut paths = env::args().skip(1);
    let (Some(json), Some(page)) = (paths.next(), paths.next()) else {
        return Err("usage: report_page REPORT.json PAGE.html".into());
    };
    let report: JsonReport = serde_json::from_str(&fs::read_to_string(json)?)?;
    fs::write(page, HtmlReport::new(&report).render())?;
    Ok(())
}

//! Cuts a doc comment into the sentence that becomes a query and the rest.

/// A doc comment as plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Docs {
    /// The first sentence.
    pub(super) summary: String,
    /// Everything after it, on one line; may be empty.
    pub(super) rest: String,
}

/// Fewest words of a summary that says something to search for.
const MIN_WORDS: usize = 4;
/// Most words of a summary; nobody types longer queries.
const MAX_WORDS: usize = 30;
/// Beginnings of summaries that tell nothing of the item itself.
const EMPTY_PHRASES: &[&str] =
    &["see ", "deprecated", "same as", "todo", "fixme", "internal", "not public", "this is not"];

/// Reads the lines of a doc comment; `None` where its summary is no use as a query.
pub(super) fn read(lines: &[String]) -> Option<Docs> {
    let text = visible(lines);
    let paragraph_end = text.find("\n\n").unwrap_or(text.len());
    let (paragraph, after) = text.split_at(paragraph_end);
    let paragraph = plain(paragraph);
    let (summary, tail) = first_sentence(&paragraph);
    let rest = plain(after);
    let rest = [tail, rest.as_str()].join(" ").trim().to_owned();
    let summary = summary.replace('`', "");
    is_query(&summary).then_some(Docs { summary, rest })
}

fn is_query(summary: &str) -> bool {
    let words = summary.split_whitespace().count();
    let lower = summary.to_lowercase();
    let letters = summary.chars().filter(|c| c.is_ascii_alphabetic() || *c == ' ').count();
    (MIN_WORDS..=MAX_WORDS).contains(&words)
        && letters * 5 >= summary.chars().count() * 4
        && !EMPTY_PHRASES.iter().any(|phrase| lower.starts_with(phrase))
        && summary.starts_with(|c: char| c.is_alphabetic())
}

/// The lines as rustdoc shows them: without hidden lines of examples, fences and link definitions.
fn visible(lines: &[String]) -> String {
    let mut text = String::new();
    let mut in_code = false;
    for line in lines {
        let line = line.strip_prefix(' ').unwrap_or(line);
        let trimmed = line.trim();
        if trimmed.starts_with("```") || trimmed.starts_with("~~~") {
            in_code = !in_code;
            continue;
        }
        let hidden = in_code && (trimmed == "#" || trimmed.starts_with("# "));
        let definition = !in_code && trimmed.starts_with('[') && trimmed.contains("]:");
        let heading = !in_code && trimmed.starts_with('#');
        if heading {
            // A heading parts paragraphs even where no empty line does.
            text.push('\n');
        }
        if !hidden && !definition {
            text.push_str(line);
            text.push('\n');
        }
    }
    text.trim().to_owned()
}

/// Text of one line, without the marks of links, headings and emphasis.
fn plain(markdown: &str) -> String {
    let mut text = String::new();
    let mut rest = markdown;
    while let Some(start) = rest.find('[') {
        text.push_str(&rest[..start]);
        rest = &rest[start + 1..];
        let Some(end) = rest.find(']') else {
            text.push('[');
            break;
        };
        let (label, after) = (&rest[..end], &rest[end + 1..]);
        let target_end = match after.chars().next() {
            Some('(') => after.find(')').map(|end| end + 1),
            Some('[') => after.find(']').map(|end| end + 1),
            _ => Some(0).filter(|_| label.starts_with('`')),
        };
        match target_end {
            Some(end) => {
                text.push_str(label);
                rest = &after[end..];
            }
            // Brackets of code, as in `[u8; 4]`, stay.
            None => {
                text.push('[');
                text.push_str(label);
                text.push(']');
                rest = after;
            }
        }
    }
    text.push_str(rest);
    let words = text.split_whitespace().filter(|word| !word.chars().all(|c| c == '#'));
    words.collect::<Vec<_>>().join(" ").replace("**", "")
}

/// Cuts `paragraph` after its first sentence.
fn first_sentence(paragraph: &str) -> (&str, &str) {
    let mut from = 0;
    while let Some(found) = paragraph[from..].find(". ") {
        let end = from + found;
        let abbreviation = ["e.g", "i.e", "etc", "vs", "cf"]
            .iter()
            .any(|short| paragraph[..end].to_ascii_lowercase().ends_with(short));
        let next_is_upper = paragraph[end + 2..].starts_with(|c: char| !c.is_lowercase());
        if !abbreviation && next_is_upper {
            return (&paragraph[..end], paragraph[end + 2..].trim());
        }
        from = end + 2;
    }
    (paragraph.trim_end_matches(['.', ':']), "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn docs(text: &str) -> Option<Docs> {
        read(&text.lines().map(|line| format!(" {line}")).collect::<Vec<_>>())
    }

    #[test]
    fn the_first_sentence_is_cut_off() {
        let read = docs(
            "Returns the [`Foo`] of the [list](https://a.b), e.g. the first. Panics if\nempty.\n\n\
             # Examples\n```\n# use x;\nlet a = [0; 4];\n```\n[`Foo`]: crate::Foo",
        )
        .unwrap();
        assert_eq!(read.summary, "Returns the Foo of the list, e.g. the first");
        assert_eq!(read.rest, "Panics if empty. Examples let a = [0; 4];");
    }

    #[test]
    fn a_single_sentence_leaves_nothing() {
        let read = docs("Creates an empty list of values.").unwrap();
        assert_eq!(
            (read.summary.as_str(), read.rest.as_str()),
            ("Creates an empty list of values", "")
        );
    }

    #[test]
    fn summaries_that_are_no_queries_are_refused() {
        for text in
            ["", "See the other one for this.", "New list.", "`a::<b>()` {} [] => 0x1234 -> %%%"]
        {
            assert_eq!(docs(text), None, "{text}");
        }
    }
}

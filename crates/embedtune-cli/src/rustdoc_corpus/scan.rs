//! Public items of a Rust source file and their doc comments.
//!
//! A scanner, not a parser: it knows comments, strings, brackets and the heads of items, and skips
//! every body. That is enough for well-formed sources and costs no dependency; what it does not
//! understand is left out.

mod cursor;

use cursor::Cursor;

/// A public item with documentation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    /// Path in its file, e.g. `Stack::push`.
    pub(super) path: String,
    /// Declaration without its body, on one line.
    pub(super) signature: String,
    /// Lines of the doc comment.
    pub(super) docs: Vec<String>,
}

/// The public, documented items of `source`.
pub(super) fn items(source: &str) -> Vec<Item> {
    let mut scanner = Scanner {
        cursor: Cursor { rest: source },
        pending: Pending::default(),
        scopes: Vec::new(),
        items: Vec::new(),
    };
    // `None` marks the end, or something that cannot be scanned: what was found so far counts.
    while scanner.step().is_some() {}
    scanner.items
}

/// Doc comment and attributes that were read before their item.
#[derive(Default)]
struct Pending {
    docs: Vec<String>,
    exported: bool,
    hidden: bool,
}

/// A block whose items are looked at.
struct Scope {
    /// Name that paths of its items begin with; `None` where items are not part of the interface.
    name: Option<String>,
    /// Whether items are public without `pub`, as in a trait.
    all_public: bool,
}

struct Scanner<'a> {
    cursor: Cursor<'a>,
    pending: Pending,
    scopes: Vec<Scope>,
    items: Vec<Item>,
}

impl Scanner<'_> {
    fn step(&mut self) -> Option<()> {
        self.cursor.skip_space();
        let rest = self.cursor.rest;
        if rest.is_empty() {
            return None;
        }
        if rest.starts_with("///") && !rest.starts_with("////") {
            let line = self.cursor.line();
            self.pending.docs.push(line[3..].to_owned());
        } else if rest.starts_with("#[") || rest.starts_with("#![") {
            let attribute = self.cursor.attribute()?;
            self.attribute(attribute);
        } else if self.cursor.skip_comment() {
            // Comments between the docs and the item do not part them.
        } else if self.cursor.eat('}') {
            self.scopes.pop();
            self.pending = Pending::default();
        } else {
            self.item()?;
        }
        Some(())
    }

    fn attribute(&mut self, attribute: &str) {
        let inner = attribute.trim_start_matches("#[").trim();
        if let Some(value) = inner.strip_prefix("doc = \"").and_then(|it| it.strip_suffix("\"]")) {
            self.pending.docs.push(value.replace("\\\"", "\"").replace("\\n", " "));
        }
        self.pending.exported |= inner.starts_with("macro_export");
        self.pending.hidden |= inner.starts_with("doc(hidden)")
            || inner.starts_with("deprecated")
            || inner.starts_with("cfg(test)");
    }

    fn item(&mut self) -> Option<()> {
        let (head, end) = self.cursor.head()?;
        let head = head.split_whitespace().collect::<Vec<_>>().join(" ");
        let pending = std::mem::take(&mut self.pending);
        let visible = head.starts_with("pub ") || self.scopes.last().is_some_and(|s| s.all_public);
        let bare = head.strip_prefix("pub ").unwrap_or(&head);
        let reachable = !pending.hidden && self.scopes.iter().all(|scope| scope.name.is_some());
        let name = if let Some(name) = bare.strip_prefix("macro_rules!") {
            pending.exported.then(|| name.trim().to_owned())
        } else {
            visible.then(|| item_name(bare)).flatten()
        };
        if let Some(name) = name
            && reachable
            && !pending.docs.is_empty()
        {
            let scopes = self.scopes.iter().filter_map(|scope| scope.name.as_deref());
            let parts: Vec<&str> = scopes.chain([name.as_str()]).collect();
            let signature = signature(&head);
            self.items.push(Item { path: parts.join("::"), signature, docs: pending.docs });
        }
        if end == '{' {
            match scope(bare, visible && !pending.hidden) {
                Some(scope) => self.scopes.push(scope),
                None => self.cursor.skip_block('{', '}')?,
            }
        }
        Some(())
    }
}

/// The scope that a head opens; `None` if its body is of no interest.
fn scope(head: &str, visible: bool) -> Option<Scope> {
    let mut words = head.split(' ').skip_while(|word| *word == "unsafe");
    let word = words.next()?;
    if word == "mod" {
        let name = visible.then(|| words.next().unwrap_or_default().to_owned());
        return Some(Scope { name, all_public: false });
    }
    if word == "trait" {
        let name = if visible { item_name(head) } else { None };
        return Some(Scope { name, all_public: true });
    }
    if word == "impl" || word.starts_with("impl<") {
        return Some(Scope { name: impl_target(head), all_public: false });
    }
    None
}

/// `Stack` of `impl<T: Clone> Stack<T> where …`; nothing for the implementation of a trait, whose
/// items are documented there.
fn impl_target(head: &str) -> Option<String> {
    let mut rest = head.split_once("impl")?.1;
    if rest.starts_with('<') {
        let mut depth = 0i32;
        let end = rest.char_indices().find(|&(index, c)| {
            depth += i32::from(c == '<');
            depth -= i32::from(c == '>' && !rest[..index].ends_with(['-', '=']));
            depth == 0
        })?;
        rest = &rest[end.0 + 1..];
    }
    let rest = rest.split(" where ").next()?;
    if rest.contains(" for ") {
        return None;
    }
    identifier(rest.trim().rsplit_once("::").map_or(rest.trim(), |(_, last)| last))
}

/// Name that a declaration (without `pub`) declares.
fn item_name(head: &str) -> Option<String> {
    let mut words = head.split(' ');
    while let Some(word) = words.next() {
        match word {
            "unsafe" | "async" | "default" | "extern" => {}
            _ if word.starts_with('"') => {}
            "const" | "static" | "fn" | "struct" | "enum" | "union" | "trait" | "type" => {
                let next = words.next()?;
                if word == "const" && ["fn", "unsafe", "async", "extern"].contains(&next) {
                    return item_name(&head[head.find("const ")? + "const ".len()..]);
                }
                return identifier(if next == "mut" { words.next()? } else { next });
            }
            _ => return None,
        }
    }
    None
}

fn identifier(text: &str) -> Option<String> {
    let name: String =
        text.chars().take_while(|c| c.is_alphanumeric() || *c == '_' || *c == '#').collect();
    (!name.is_empty()).then_some(name)
}

/// A declaration without values: `const LIMIT: usize` of `const LIMIT: usize = 3`.
fn signature(head: &str) -> String {
    let is_value = head.contains("const ") || head.contains("static ");
    let cut = if is_value && !head.contains("fn ") { head.split(" = ").next() } else { None };
    cut.unwrap_or(head).trim_end_matches(',').to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SOURCE: &str = r##"
//! Crate docs are of no item.
/* a /* nested */ comment } */
/// A stack of values.
///
/// Grows as needed.
#[derive(Debug)]
pub struct Stack<T> { /// a field
    pub items: Vec<T> }

impl<T: Into<Option<u8>>> Stack<T> where T: Copy {
    /// Puts a value on top.
    pub fn push<'a>(&'a mut self, value: T) -> &'a T { let c = '}'; let s = "{\"}"; loop {} }
    /// Private.
    fn grow(&mut self) { r#"}"}"#; }
    #[doc = "Values in a new stack."]
    pub const DEFAULT: [usize; 2] = [1, 2];
}
impl<T> Drop for Stack<T> {
    /// Not listed: the trait documents it.
    pub fn drop(&mut self) {}
}
/// Things with a size.
pub trait Sized2 {
    /// Bytes of the thing.
    fn size(&self) -> usize;
}
mod inner {
    /// Out of reach.
    pub fn hidden() {}
}
pub mod outer {
    /// Within reach.
    pub const unsafe fn seen() {}
    #[doc(hidden)]
    /// Hidden.
    pub fn not_seen() {}
}
/// A private macro.
macro_rules! private { () => { } }
/// Makes a stack.
#[macro_export]
macro_rules! stack { ($($x:expr),*) => {{ }} }
/// Crate-wide only.
pub(crate) fn internal() {}
/// Bytes read.
pub type Bytes = u64;
"##;

    #[test]
    fn public_documented_items_are_found() {
        let found = items(SOURCE);
        let paths: Vec<&str> = found.iter().map(|item| item.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "Stack",
                "Stack::push",
                "Stack::DEFAULT",
                "Sized2",
                "Sized2::size",
                "outer::seen",
                "stack",
                "Bytes",
            ]
        );
        assert_eq!(found[0].docs, [" A stack of values.", "", " Grows as needed."]);
        assert_eq!(found[1].signature, "pub fn push<'a>(&'a mut self, value: T) -> &'a T");
        assert_eq!(found[2].signature, "pub const DEFAULT: [usize; 2]");
        assert_eq!(found[2].docs, ["Values in a new stack."]);
    }

    #[test]
    fn broken_sources_end_the_scan_quietly() {
        assert_eq!(items("/// Docs.\npub fn f() { \"").len(), 1);
        for source in ["", "}}}", "#[", "/*", "/// x", "'", "r#\"", "pub fn", "é\u{301}("] {
            assert!(items(source).is_empty(), "{source}");
        }
    }

    proptest! {
        /// Sources come from anywhere: whatever they hold, the scanner ends without a panic.
        #[test]
        fn any_text_is_scanned(source in any::<String>()) {
            items(&source);
        }

        /// The same for texts of the pieces that it looks for.
        #[test]
        fn any_mix_of_tokens_is_scanned(
            tokens in prop::collection::vec(
                prop::sample::select(vec![
                    "///", " A", "\n", "pub ", "fn f", "struct S", "(", ")", "{", "}", "<", ">",
                    "impl", " for ", "\"", "'", "r#\"", "/*", "*/", "#[", "]", "macro_rules! m", ";",
                    "é",
                ]),
                0..60,
            ),
        ) {
            items(&tokens.concat());
        }
    }
}

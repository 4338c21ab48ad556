//! Public items of a Rust source file and their doc comments.
//!
//! A scanner, not a parser: it knows comments, strings, brackets and the heads of items, and skips
//! every body. That is enough for well-formed sources and costs no dependency; what it does not
//! understand is left out.

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
        let name = if bare.starts_with("macro_rules!") {
            let name = bare["macro_rules!".len()..].trim().to_owned();
            pending.exported.then_some(name)
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

/// Reads a source from its start.
struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        taken
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn eat(&mut self, c: char) -> bool {
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn line(&mut self) -> &'a str {
        let end = self.rest.find('\n').unwrap_or(self.rest.len());
        self.take(end).trim_end()
    }

    fn skip_comment(&mut self) -> bool {
        if self.rest.starts_with("//") {
            self.line();
            return true;
        }
        if !self.rest.starts_with("/*") {
            return false;
        }
        let mut depth = 0;
        while !self.rest.is_empty() {
            if self.rest.starts_with("/*") {
                depth += 1;
                self.take(2);
            } else if self.rest.starts_with("*/") {
                depth -= 1;
                self.take(2);
                if depth == 0 {
                    break;
                }
            } else {
                self.advance();
            }
        }
        true
    }

    fn advance(&mut self) {
        let width = self.rest.chars().next().map_or(0, char::len_utf8);
        self.take(width);
    }

    /// Skips one token as far as brackets are concerned: a comment, a literal or a character.
    fn skip_token(&mut self) {
        let rest = self.rest;
        if self.skip_comment() {
            return;
        }
        if rest.starts_with('"') {
            return self.skip_string();
        }
        if rest.starts_with("b\"") || rest.starts_with("c\"") {
            self.take(1);
            return self.skip_string();
        }
        if let Some(width) = raw_string(rest) {
            self.take(width);
        } else if rest.starts_with('\'') {
            self.take(char_literal(rest).unwrap_or(1));
        } else if rest.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
            let word = |c: char| c.is_alphanumeric() || c == '_';
            self.take(rest.find(|c| !word(c)).unwrap_or(rest.len()));
        } else {
            self.advance();
        }
    }

    fn skip_string(&mut self) {
        self.take(1);
        while let Some(c) = self.rest.chars().next() {
            self.advance();
            match c {
                '"' => return,
                '\\' => self.advance(),
                _ => {}
            }
        }
    }

    /// The attribute at the cursor, brackets included.
    fn attribute(&mut self) -> Option<&'a str> {
        let start = self.rest;
        let bracket = self.rest.find('[')?;
        self.take(bracket + 1);
        self.skip_block('[', ']')?;
        Some(&start[..start.len() - self.rest.len()])
    }

    /// Skips to the bracket that closes the block whose opening one was read.
    fn skip_block(&mut self, open: char, close: char) -> Option<()> {
        let mut depth = 1;
        while !self.rest.is_empty() {
            if self.eat(open) {
                depth += 1;
            } else if self.eat(close) {
                depth -= 1;
                if depth == 0 {
                    return Some(());
                }
            } else {
                self.skip_token();
            }
        }
        None
    }

    /// Text up to the `{`, `;` or `}` that ends the head of an item, and which of them it was.
    fn head(&mut self) -> Option<(&'a str, char)> {
        let start = self.rest;
        while let Some(c) = self.rest.chars().next() {
            let read = &start[..start.len() - self.rest.len()];
            match c {
                '{' | ';' => {
                    self.advance();
                    return Some((read, c));
                }
                '}' => return Some((read, c)),
                '(' => {
                    self.take(1);
                    self.skip_block('(', ')')?;
                }
                '[' => {
                    self.take(1);
                    self.skip_block('[', ']')?;
                }
                _ => self.skip_token(),
            }
        }
        None
    }
}

/// Bytes of the raw string at the start of `text`.
fn raw_string(text: &str) -> Option<usize> {
    let after = text.strip_prefix("br").or_else(|| text.strip_prefix("cr"));
    let after = after.or_else(|| text.strip_prefix('r'))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    let body = after[hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let end = body.find(&close)?;
    Some(text.len() - body.len() + end + close.len())
}

/// Bytes of the character literal at the start of `text`; a lifetime is none.
fn char_literal(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('\'')?;
    let mut chars = inner.char_indices();
    let (_, first) = chars.next()?;
    if first == '\\' {
        chars.next();
        return inner.get(2..)?.find('\'').map(|end| end + 4);
    }
    let (end, c) = chars.next()?;
    (c == '\'').then_some(end + 2)
}

#[cfg(test)]
mod tests {
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
}

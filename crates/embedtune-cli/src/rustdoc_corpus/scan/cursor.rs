//! Moves through a source, over comments, literals and brackets.

/// Reads a source from its start.
pub(super) struct Cursor<'a> {
    pub(super) rest: &'a str,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        taken
    }

    pub(super) fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    pub(super) fn eat(&mut self, c: char) -> bool {
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    pub(super) fn line(&mut self) -> &'a str {
        let end = self.rest.find('\n').unwrap_or(self.rest.len());
        self.take(end).trim_end()
    }

    pub(super) fn skip_comment(&mut self) -> bool {
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
    pub(super) fn attribute(&mut self) -> Option<&'a str> {
        let start = self.rest;
        let bracket = self.rest.find('[')?;
        self.take(bracket + 1);
        self.skip_block('[', ']')?;
        Some(&start[..start.len() - self.rest.len()])
    }

    /// Skips to the bracket that closes the block whose opening one was read.
    pub(super) fn skip_block(&mut self, open: char, close: char) -> Option<()> {
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
    pub(super) fn head(&mut self) -> Option<(&'a str, char)> {
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

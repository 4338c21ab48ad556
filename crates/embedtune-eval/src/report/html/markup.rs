//! HTML and SVG that cannot come out unbalanced or unescaped.

/// Collects markup. Elements are closed by construction, texts and attributes escaped.
#[derive(Debug, Default)]
pub(super) struct Markup {
    out: String,
}

/// Attributes of an element.
pub(super) type Attributes<'a> = &'a [(&'a str, &'a str)];

impl Markup {
    /// `<name attributes>body</name>`.
    pub(super) fn element(
        &mut self,
        name: &str,
        attributes: Attributes<'_>,
        body: impl FnOnce(&mut Self),
    ) {
        self.start(name, attributes, ">");
        body(self);
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    /// An element that holds nothing but `text`.
    pub(super) fn leaf(&mut self, name: &str, attributes: Attributes<'_>, text: &str) {
        self.element(name, attributes, |m| m.text(text));
    }

    /// An element without content: a void one of HTML (`meta`) or an empty one of SVG (`line`).
    pub(super) fn void(&mut self, name: &str, attributes: Attributes<'_>) {
        self.start(name, attributes, "/>");
    }

    /// Text, escaped.
    pub(super) fn text(&mut self, text: &str) {
        escape_into(&mut self.out, text);
    }

    /// Our own markup or style sheet, as it is. Never for text that comes from outside.
    pub(super) fn trusted(&mut self, markup: &'static str) {
        self.out.push_str(markup);
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    fn start(&mut self, name: &str, attributes: Attributes<'_>, end: &str) {
        self.out.push('<');
        self.out.push_str(name);
        for (key, value) in attributes {
            self.out.push(' ');
            self.out.push_str(key);
            self.out.push_str("=\"");
            escape_into(&mut self.out, value);
            self.out.push('"');
        }
        self.out.push_str(end);
    }
}

/// Escapes what ends a text or a quoted attribute. Control characters, which neither HTML nor XML
/// may hold, become the replacement character.
fn escape_into(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn elements_close_and_hostile_text_stays_text() {
        let mut m = Markup::default();
        m.element("p", &[("title", "\" onload='x'")], |m| {
            m.text("</p><script>alert(1)</script>&\0");
            m.void("br", &[]);
        });
        assert_eq!(
            m.finish(),
            "<p title=\"&quot; onload=&#39;x&#39;\">&lt;/p&gt;&lt;script&gt;alert(1)\
             &lt;/script&gt;&amp;\u{FFFD}<br/></p>"
        );
    }

    proptest! {
        #[test]
        fn no_text_breaks_out(text in any::<String>()) {
            let mut escaped = String::new();
            escape_into(&mut escaped, &text);
            prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
            let back = escaped
                .replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"")
                .replace("&#39;", "'").replace("&amp;", "&");
            prop_assert_eq!(back.chars().count(), text.chars().count());
        }
    }
}

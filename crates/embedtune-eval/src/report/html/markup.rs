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

    /// JSON as data of the page. `<` appears only inside strings of JSON, where it may be written
    /// as an escape: so nothing in it can end the element or begin a comment.
    pub(super) fn data(&mut self, id: &str, json: &str) {
        self.start("script", &[("type", "application/json"), ("id", id)], ">");
        self.out.push_str(&json.replace('<', "\\u003c"));
        self.out.push_str("</script>");
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
            c if c.is_control() || is_noncharacter(c) => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
}

/// What no document may hold, though Unicode has a place for it.
fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{FDD0}'..='\u{FDEF}') || u32::from(c) & 0xFFFE == 0xFFFE
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

    #[test]
    fn data_cannot_end_its_element() {
        let mut m = Markup::default();
        let json = serde_json::to_string("</script><!-- <script> \u{2028}").unwrap();
        m.data("it", &json);
        let page = m.finish();
        let inside = page.strip_prefix("<script type=\"application/json\" id=\"it\">").unwrap();
        let inside = inside.strip_suffix("</script>").unwrap();
        assert!(!inside.contains('<'));
        let back: String = serde_json::from_str(inside).unwrap();
        assert_eq!(back, "</script><!-- <script> \u{2028}");
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

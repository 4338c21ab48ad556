//! A strict reader of pages: what it accepts is well-formed XML but for the document type, and has
//! nothing in it that runs or loads.

use std::collections::BTreeSet;

/// An element with its attributes and what is in it.
#[derive(Debug, Default)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) children: Vec<Element>,
    /// Text of the element itself, without that of its children, entities resolved.
    pub(crate) text: String,
}

impl Element {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// This element and all inside, in order of the document.
    pub(crate) fn all(&self) -> Vec<&Element> {
        let inside = self.children.iter().flat_map(Element::all);
        std::iter::once(self).chain(inside).collect()
    }

    pub(crate) fn named(&self, name: &str) -> Vec<&Element> {
        self.all().into_iter().filter(|it| it.name == name).collect()
    }

    /// All text that a reader sees.
    pub(crate) fn visible(&self) -> String {
        let shown = |it: &&Element| !["script", "style"].contains(&it.name.as_str());
        let texts = self.all().into_iter().filter(shown).map(|it| it.text.as_str());
        texts.collect::<Vec<_>>().join("\n")
    }
}

/// Reads a page and checks what holds for every page. Panics with the place of a fault.
pub(crate) fn read(page: &str) -> Element {
    let rest = page.strip_prefix("<!DOCTYPE html>\n").unwrap();
    let bad = |c: char| c.is_control() && c != '\n' && c != '\t';
    assert!(!page.contains(bad), "a control character");
    let mut reader = Reader { rest: rest.strip_suffix('\n').unwrap() };
    let html = reader.element();
    assert_eq!((html.name.as_str(), reader.rest), ("html", ""));
    check_names(&html);
    html.all().into_iter().for_each(check_element);
    html.named("svg").into_iter().for_each(check_drawing);
    html
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn expect(&mut self, what: &str) {
        let rest = self.rest.strip_prefix(what);
        self.rest = rest.unwrap_or_else(|| panic!("expected {what} at {:.80}", self.rest));
    }

    fn until(&mut self, end: &str) -> String {
        let at = self.rest.find(end).unwrap_or_else(|| panic!("no {end} in {:.80}", self.rest));
        let (text, rest) = self.rest.split_at(at);
        self.rest = rest;
        text.to_owned()
    }

    fn word(&mut self) -> String {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let end = self.rest.find(|c| !is_part(c)).unwrap();
        assert!(end > 0, "a name at {:.80}", self.rest);
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word.to_owned()
    }

    fn element(&mut self) -> Element {
        self.expect("<");
        let mut element = Element { name: self.word(), ..Element::default() };
        while self.rest.starts_with(' ') {
            self.expect(" ");
            let key = self.word();
            self.expect("=\"");
            let value = self.until("\"");
            self.expect("\"");
            assert!(element.attribute(&key).is_none(), "{key} twice in {}", element.name);
            assert!(!value.contains('<'), "{value}");
            element.attributes.push((key, resolve(&value)));
        }
        if self.rest.starts_with("/>") {
            self.expect("/>");
            return element;
        }
        self.expect(">");
        let end = format!("</{}>", element.name);
        if ["script", "style"].contains(&element.name.as_str()) {
            element.text = self.until(&end);
        }
        while !self.rest.starts_with(&end) {
            if self.rest.starts_with('<') {
                element.children.push(self.element());
            } else {
                element.text += &resolve(&self.until("<"));
            }
        }
        self.expect(&end);
        element
    }
}

/// Text with its entities resolved: the five of XML, no others.
fn resolve(text: &str) -> String {
    let mut parts = text.split('&');
    let mut out = parts.next().unwrap().to_owned();
    for part in parts {
        let (name, rest) = part.split_once(';').unwrap_or_else(|| panic!("a bare & in {text}"));
        out.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "#39" => '\'',
            other => panic!("unknown entity {other}"),
        });
        out.push_str(rest);
    }
    out
}

/// Ids are unique, and what is referred to is there.
fn check_names(html: &Element) {
    let mut ids = BTreeSet::new();
    for id in html.all().into_iter().filter_map(|it| it.attribute("id")) {
        assert!(ids.insert(id), "two elements are called {id}");
    }
    for names in html.all().into_iter().filter_map(|it| it.attribute("aria-labelledby")) {
        assert!(names.split(' ').all(|name| ids.contains(name)), "{names}");
    }
}

/// Nothing runs, nothing is loaded.
fn check_element(it: &Element) {
    let name = it.name.as_str();
    assert!(!["link", "img", "image", "use", "iframe", "object", "embed", "a"].contains(&name));
    if name == "script" {
        assert_eq!(it.attribute("type"), Some("application/json"));
        assert!(!it.text.contains('<'));
    }
    if name == "style" {
        let outside = it.text.replace("url(#hatch)", "");
        for way_out in ["url(", "@import", "http", "expression"] {
            assert!(!outside.contains(way_out), "{way_out} in the style sheet");
        }
    }
    for (key, _) in &it.attributes {
        assert!(!key.starts_with("on") && !["src", "href", "style", "srcset"].contains(&&**key));
    }
}

/// A drawing says what it shows, and everything in it has a place within it.
fn check_drawing(svg: &Element) {
    if svg.attribute("aria-hidden").is_some() {
        return;
    }
    assert_eq!(svg.attribute("role"), Some("img"));
    let [title, description] = ["title", "desc"].map(|name| {
        let found = svg.children.iter().find(|it| it.name == name);
        found.unwrap_or_else(|| panic!("no {name}")).text.clone()
    });
    assert!(!title.is_empty() && !description.is_empty(), "{title}");
    let view_box: Vec<f64> = numbers(svg.attribute("viewBox").unwrap()).collect();
    let [0.0, 0.0, width, height] = view_box[..] else { panic!("{view_box:?}") };
    let inside = |x: f64, size: f64| (-0.5..=size + 0.5).contains(&x);
    for it in svg.all() {
        for (key, value) in &it.attributes {
            let (across, down) = match key.as_str() {
                "x" | "x1" | "x2" | "cx" => (numbers(value).collect(), vec![]),
                "y" | "y1" | "y2" | "cy" => (vec![], numbers(value).collect()),
                "points" | "d" => pairs(value),
                _ => continue,
            };
            let is_inside = across.iter().all(|&x: &f64| inside(x, width))
                && down.iter().all(|&y: &f64| inside(y, height));
            assert!(is_inside, "{title}: {} {key}=\"{value}\"", it.name);
        }
    }
}

fn numbers(text: &str) -> impl Iterator<Item = f64> {
    let parts = text.split([' ', ',', 'M', 'L', 'Z']).filter(|part| !part.is_empty());
    parts.map(move |part| {
        let number: f64 = part.parse().unwrap_or_else(|_| panic!("{part} in {text:.80}"));
        assert!(number.is_finite(), "{text:.80}");
        number
    })
}

fn pairs(text: &str) -> (Vec<f64>, Vec<f64>) {
    let all: Vec<f64> = numbers(text).collect();
    assert_eq!(all.len() % 2, 0, "{text:.80}");
    all.chunks_exact(2).map(|pair| (pair[0], pair[1])).unzip()
}

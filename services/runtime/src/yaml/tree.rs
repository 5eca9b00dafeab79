//! Text → [`Node`], within bounds.
//!
//! This reads the parser's events and not through serde, because only the events tell a quoted scalar from a
//! plain one and show both places of a duplicate key. A syntax error ends the reading (what follows would be guesses);
//! everything else is reported and read on.

use std::collections::HashMap;

use serde_saphyr::granit_parser::{self, Event, Parser, ScalarStyle, ScanError, Span, StrInput};

use super::{
    node::{Key, Node, Value, quoted},
    path::Path,
    scalar,
};
use crate::diagnostic::{At, Findings};

/// How deep maps and lists may be nested, aliases included.
pub const MOST_DEPTH: usize = 32;

/// How much a document may unfold to, in bytes, each use of an alias counted: the answer to alias bombs.
pub const MOST_WEIGHT: usize = 32 * 1024 * 1024;

/// Reads the text of `findings` as one YAML document.
///
/// Reports syntax errors, duplicate keys, tags, more than one document, unfolding beyond [`MOST_WEIGHT`] and nesting
/// beyond [`MOST_DEPTH`]. Returns none if there is no usable tree; with a tree there may be findings all the same.
pub fn read(findings: &mut Findings) -> Option<Node> {
    if findings.is_fatal() {
        return None; // there was no text
    }
    let text = findings.text().to_owned();
    let mut options = granit_parser::Options::default();
    options.set_emit_comments(false);
    let events = Parser::new_from_str_with_options(&text, options);
    let mut tree = Tree { events, findings, anchors: HashMap::new(), weight: 0 };
    match tree.document() {
        Ok(node) => node,
        Err(Stop { at, message, fix }) => {
            findings.error(at, "", message, fix);
            None
        }
    }
}

struct Tree<'t> {
    events: Parser<'t, StrInput<'t>>,
    findings: &'t mut Findings,
    anchors: HashMap<usize, Anchor>,
    weight: usize,
}

/// A finished node that aliases may repeat.
struct Anchor {
    node: Node,
    weight: usize,
    height: usize,
}

/// Why the rest of the file is not read.
struct Stop {
    at: At,
    message: String,
    fix: &'static str,
}

type Spanned<'t> = (Event<'t>, Span);

// === impl Tree ===

impl<'t> Tree<'t> {
    fn document(&mut self) -> Result<Option<Node>, Stop> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentEnd => {}
                Event::DocumentStart(..) if root.is_some() => return Err(Stop::second_document(at(&span))),
                Event::DocumentStart(..) => {
                    let first = self.next()?;
                    root = Some(self.node(first, &Path::ROOT, 0)?);
                }
                Event::StreamEnd => break,
                _ => return Err(Stop::unexpected(at(&span))),
            }
        }
        // A file of nothing but comments has no document, or one that is null.
        let root = root.filter(|node| node.value != Value::Null);
        if root.is_none() {
            self.findings.error(At::FILE, "", "the file is empty", "write its fields, or restore it");
        }
        Ok(root)
    }

    /// The node that begins with `event`, which stands at `path`, `depth` levels down.
    fn node(&mut self, (event, span): Spanned<'t>, path: &Path<'_>, depth: usize) -> Result<Node, Stop> {
        let place = at(&span);
        if depth > MOST_DEPTH {
            return Err(Stop::too_deep(place));
        }
        let tagged = matches!(
            &event,
            Event::Scalar(_, _, _, Some(_))
                | Event::SequenceStart(_, _, Some(_))
                | Event::MappingStart(_, _, Some(_))
        );
        if tagged {
            let message = "tags (words that begin with `!`) have no meaning here";
            self.findings.error(place, path, message, "remove the tag; quote the value to make it a text");
        }
        let (value, anchor, block) = match event {
            Event::Alias(id) => return self.alias(id, place, depth),
            Event::Scalar(text, style, anchor, _) => {
                let block = (style == ScalarStyle::Literal).then(|| first_line(&text, place));
                let value = match style {
                    ScalarStyle::Plain => scalar::resolve(&text),
                    _ => Value::Text(text.into_owned()),
                };
                (value, anchor, block)
            }
            Event::SequenceStart(_, anchor, _) => (Value::List(self.items(path, depth)?), anchor, None),
            Event::MappingStart(_, anchor, _) => (Value::Map(self.entries(path, depth)?), anchor, None),
            _ => return Err(Stop::unexpected(place)),
        };
        let node = Node { at: place, value, block };
        self.charge(own_weight(&node), place)?;
        self.anchor(anchor, &node)?;
        Ok(node)
    }

    fn items(&mut self, path: &Path<'_>, depth: usize) -> Result<Vec<Node>, Stop> {
        let mut items = Vec::new();
        loop {
            let next = self.next()?;
            if matches!(next.0, Event::SequenceEnd) {
                return Ok(items);
            }
            let item = self.node(next, &path.index(items.len()), depth + 1)?;
            items.push(item);
        }
    }

    fn entries(&mut self, path: &Path<'_>, depth: usize) -> Result<Vec<(Key, Node)>, Stop> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        let mut first: HashMap<String, At> = HashMap::new();
        loop {
            let next = self.next()?;
            if matches!(next.0, Event::MappingEnd) {
                return Ok(entries);
            }
            let key = self.key(next, path)?;
            let value = self.next()?;
            let value = self.node(value, &path.field(&key.text), depth + 1)?;
            if let Some(earlier) = first.get(&key.text) {
                self.duplicate(&key, *earlier, path);
            } else {
                self.charge(key.text.len(), key.at)?;
                first.insert(key.text.clone(), key.at);
                entries.push((key, value));
            }
        }
    }

    fn key(&mut self, (event, span): Spanned<'t>, path: &Path<'_>) -> Result<Key, Stop> {
        let at = at(&span);
        match event {
            Event::Scalar(text, _, 0, _) => Ok(Key { at, text: text.into_owned() }),
            _ => Err(Stop {
                at,
                message: format!("a key of {} is not a plain word", if_root(path)),
                fix: "write `name: value`; keys have no anchors, aliases, lists or maps",
            }),
        }
    }

    fn duplicate(&mut self, key: &Key, earlier: At, path: &Path<'_>) {
        let At { line, column } = earlier;
        let message =
            format!("{} is given twice; it is already at line {line}, column {column}", quoted(&key.text));
        self.findings.error(key.at, path.field(&key.text), message, "keep one of the two");
    }

    fn alias(&mut self, id: usize, place: At, depth: usize) -> Result<Node, Stop> {
        let Some(anchor) = self.anchors.get(&id) else {
            let message = "this alias stands inside its own anchor".to_owned();
            return Err(Stop { at: place, message, fix: "write the value out instead" });
        };
        if depth + anchor.height > MOST_DEPTH {
            return Err(Stop::too_deep(place));
        }
        let weight = anchor.weight;
        self.charge(weight, place)?; // before the copy is made
        Ok(self.anchors[&id].node.clone())
    }

    /// Keeps a copy of an anchored node for its aliases.
    fn anchor(&mut self, id: usize, node: &Node) -> Result<(), Stop> {
        if id == 0 {
            return Ok(());
        }
        let (weight, height) = measure(node);
        self.charge(weight, node.at)?;
        self.anchors.insert(id, Anchor { node: node.clone(), weight, height });
        Ok(())
    }

    fn charge(&mut self, weight: usize, at: At) -> Result<(), Stop> {
        self.weight = self.weight.saturating_add(weight);
        if self.weight > MOST_WEIGHT {
            return Err(Stop::too_heavy(at));
        }
        Ok(())
    }

    fn next(&mut self) -> Result<Spanned<'t>, Stop> {
        match self.events.next() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => Err(Stop::syntax(&error)),
            None => Err(Stop::unexpected(At::FILE)),
        }
    }
}

// === impl Stop ===

impl Stop {
    fn syntax(error: &ScanError) -> Self {
        let message = format!("this is not YAML: {}", error.info());
        Stop {
            at: marker(error.marker()),
            message,
            fix: "check quotes, colons and indentation here and just above",
        }
    }

    fn too_deep(at: At) -> Self {
        let message = format!("maps and lists are nested more than {MOST_DEPTH} deep");
        Stop { at, message, fix: "nest less" }
    }

    fn too_heavy(at: At) -> Self {
        let mib = MOST_WEIGHT / (1024 * 1024);
        let message = format!("the file unfolds to more than {mib} MiB here, aliases counted each time");
        Stop { at, message, fix: "use fewer aliases, or split the file" }
    }

    fn second_document(at: At) -> Self {
        let message = "a second document begins here; the file must hold one".to_owned();
        Stop { at, message, fix: "remove the line `---`, or move what follows to its own file" }
    }

    /// An event that the grammar of events does not allow here.
    fn unexpected(at: At) -> Self {
        Stop {
            at,
            message: "this is not YAML: the document ends or begins in the wrong place".to_owned(),
            fix: "",
        }
    }
}

/// How much a tree holds, in bytes, as [`MOST_WEIGHT`] counts it: for who reads many files.
pub fn weight(node: &Node) -> usize {
    measure(node).0
}

/// Weight and height of a whole tree. The stack is safe: a tree is never higher than [`MOST_DEPTH`].
fn measure(node: &Node) -> (usize, usize) {
    let below = |children: &mut dyn Iterator<Item = (usize, &Node)>| {
        children.fold((0, 0), |(weight, height), (key, child)| {
            let (child_weight, child_height) = measure(child);
            (weight + key + child_weight, height.max(child_height + 1))
        })
    };
    let (weight, height) = match &node.value {
        Value::List(items) => below(&mut items.iter().map(|item| (0, item))),
        Value::Map(entries) => below(&mut entries.iter().map(|(key, child)| (key.text.len(), child))),
        _ => (0, 0),
    };
    (weight + own_weight(node), height)
}

/// The parser says where the first line of a block stands that is not blank; the text may begin with blank ones.
fn first_line(text: &str, place: At) -> u32 {
    let blank = text.bytes().take_while(|byte| *byte == b'\n').count();
    place.line.saturating_sub(u32::try_from(blank).unwrap_or(u32::MAX))
}

fn own_weight(node: &Node) -> usize {
    let text = if let Value::Text(text) = &node.value { text.len() } else { 0 };
    size_of::<(Key, Node)>() + text
}

fn at(span: &Span) -> At {
    marker(&span.start)
}

fn marker(marker: &granit_parser::Marker) -> At {
    let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    At { line: small(marker.line()), column: small(marker.col() + 1) }
}

fn if_root(path: &Path<'_>) -> String {
    let path = path.to_string();
    if path.is_empty() { "the document".to_owned() } else { format!("`{path}`") }
}

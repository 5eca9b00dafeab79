//! What the index holds of a passage, and how a search becomes a query over that.

use tantivy::{
    Score, TantivyDocument, Term,
    query::{
        BooleanQuery, BoostQuery, ConstScoreQuery, DisjunctionMaxQuery, Occur, PhraseQuery, Query, TermQuery,
    },
    schema::{
        Field, IndexRecordOption, STORED, STRING, Schema, SchemaBuilder, TextFieldIndexing, TextOptions,
    },
};

use super::{
    analysis,
    question::Question,
    syntax::Need,
    terms::{Sought, Wanted},
};
use crate::{document::Document, front_matter::ALL};

/// How much a word counts in the headings above a passage, and in the title of its document, beside one in its text.
const IN_HEADINGS: Score = 1.5;
const IN_TITLE: Score = 1.2;

/// What a second field with the same word adds.
const TIE: Score = 0.3;

/// The index's fields.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    /// The document's id, by which its passages are deleted.
    pub(super) document: Field,
    /// Which of its passages.
    pub(super) passage: Field,
    pub(super) title: Field,
    pub(super) headings: Field,
    pub(super) body: Field,
    pub(super) tags: Field,
    pub(super) audience: Field,
}

// === impl Fields ===

impl Fields {
    /// The schema, of which [`Fields::of`] are the fields.
    pub(super) fn schema() -> Schema {
        let words = TextFieldIndexing::default()
            .set_tokenizer(analysis::NAME)
            .set_index_option(IndexRecordOption::WithFreqsAndPositions);
        let words = TextOptions::default().set_indexing_options(words);
        let mut schema = SchemaBuilder::new();
        schema.add_text_field("document", STRING | STORED);
        schema.add_u64_field("passage", STORED);
        for name in ["title", "headings", "body"] {
            schema.add_text_field(name, words.clone());
        }
        for name in ["tags", "audience"] {
            schema.add_text_field(name, STRING);
        }
        schema.build()
    }

    /// # Errors
    /// When the schema is another one.
    pub(super) fn of(schema: &Schema) -> tantivy::Result<Fields> {
        Ok(Fields {
            document: schema.get_field("document")?,
            passage: schema.get_field("passage")?,
            title: schema.get_field("title")?,
            headings: schema.get_field("headings")?,
            body: schema.get_field("body")?,
            tags: schema.get_field("tags")?,
            audience: schema.get_field("audience")?,
        })
    }

    /// What is indexed of each passage of a document.
    pub(super) fn entries(self, document: &Document) -> impl Iterator<Item = TantivyDocument> + '_ {
        document.passages.iter().enumerate().map(move |(number, passage)| {
            let mut entry = TantivyDocument::default();
            entry.add_text(self.document, &document.id);
            entry.add_u64(self.passage, number as u64);
            entry.add_text(self.title, &document.title);
            entry.add_text(self.headings, passage.headings.join("\n"));
            entry.add_text(self.body, document.text_of(passage));
            document.tags.iter().for_each(|tag| entry.add_text(self.tags, tag));
            document.audience.iter().for_each(|agent| entry.add_text(self.audience, agent));
            entry
        })
    }

    /// The query; none when nothing is looked for.
    pub(super) fn query(&self, wanted: &Wanted, question: &Question) -> Option<Box<dyn Query>> {
        let is_sought = |need| wanted.clauses.iter().any(|(other, _)| *other == need);
        if !is_sought(Need::Should) && !is_sought(Need::Must) {
            return None;
        }
        let occur = |need: &Need| match need {
            Need::Should => Occur::Should,
            Need::Must => Occur::Must,
            Need::MustNot => Occur::MustNot,
        };
        let sought = wanted.clauses.iter().map(|(need, sought)| (occur(need), self.sought(sought)));
        let words: Box<dyn Query> = Box::new(BooleanQuery::new(sought.collect()));
        let mut all = vec![(Occur::Must, words)];
        all.extend(self.filters(question).map(|filter| {
            let filter: Box<dyn Query> = Box::new(ConstScoreQuery::new(filter, 0.0));
            (Occur::Must, filter)
        }));
        Some(Box::new(BooleanQuery::new(all)))
    }

    fn sought(&self, sought: &Sought) -> Box<dyn Query> {
        match sought {
            Sought::AnyOf(words) => {
                let anywhere =
                    words.iter().map(|(word, boost)| boosted(self.anywhere(|f| exact(f, word)), *boost));
                Box::new(DisjunctionMaxQuery::new(anywhere.collect()))
            }
            Sought::Phrase(words) => self.anywhere(|field| {
                let terms = words.iter().map(|word| Term::from_field_text(field, word));
                Box::new(PhraseQuery::new(terms.collect()))
            }),
        }
    }

    /// In the text, the headings or the title.
    fn anywhere(&self, query: impl Fn(Field) -> Box<dyn Query>) -> Box<dyn Query> {
        let fields = [
            query(self.body),
            boosted(query(self.headings), IN_HEADINGS),
            boosted(query(self.title), IN_TITLE),
        ];
        Box::new(DisjunctionMaxQuery::with_tie_breaker(fields.into(), TIE))
    }

    /// What a passage must be, whatever its words are.
    fn filters(&self, question: &Question) -> impl Iterator<Item = Box<dyn Query>> + use<> {
        let mut filters: Vec<Box<dyn Query>> = Vec::new();
        let Fields { document, tags, audience, .. } = *self;
        if !question.audience.is_empty() {
            let members = question.audience.iter().map(String::as_str).chain([ALL]);
            let terms = members.map(|member| Term::from_field_text(audience, member)).collect();
            filters.push(Box::new(BooleanQuery::new_multiterms_query(terms)));
        }
        filters.extend(question.tags.iter().map(|tag| exact(tags, tag)));
        filters.extend(question.document.iter().map(|id| exact(document, id)));
        filters.into_iter()
    }
}

fn exact(field: Field, word: &str) -> Box<dyn Query> {
    Box::new(TermQuery::new(Term::from_field_text(field, word), IndexRecordOption::WithFreqs))
}

fn boosted(query: Box<dyn Query>, boost: Score) -> Box<dyn Query> {
    Box::new(BoostQuery::new(query, boost))
}

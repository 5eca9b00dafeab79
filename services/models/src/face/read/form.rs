//! The forms that a field of a document may have, where serde's own are too wide or say too little: serde takes a list for
//! a struct, its first items for the first fields, and of a choice of forms it says only that none fits.
//!
//! All are read without being put aside first, as serde's own choice between forms would: prompts are long.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// A struct that is written as an object, and in no other way.
#[derive(Debug)]
pub(in crate::face) struct Object<T>(pub(in crate::face) T);

/// A text, or a list.
#[derive(Debug)]
pub(in crate::face) enum TextOrList<T> {
    Text(String),
    List(Vec<T>),
}

/// A word, or an object.
#[derive(Debug)]
pub(in crate::face) enum WordOrObject<T> {
    Word(String),
    Object(T),
}

// === impl Object ===

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(fields)).map(Object)
            }
        }

        deserializer.deserialize_map(Fields(PhantomData))
    }
}

// === impl TextOrList ===

impl<'de, T: Deserialize<'de>> Deserialize<'de> for TextOrList<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = TextOrList<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list")
            }

            fn visit_str<E>(self, text: &str) -> Result<TextOrList<T>, E> {
                Ok(TextOrList::Text(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<TextOrList<T>, E> {
                Ok(TextOrList::Text(text))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<TextOrList<T>, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(items)).map(TextOrList::List)
            }
        }

        deserializer.deserialize_any(Either(PhantomData))
    }
}

impl TextOrList<String> {
    /// The one text, or all of them.
    pub(in crate::face) fn into_texts(self) -> Vec<String> {
        match self {
            TextOrList::Text(text) => vec![text],
            TextOrList::List(texts) => texts,
        }
    }
}

// === impl WordOrObject ===

impl<'de, T: Deserialize<'de>> Deserialize<'de> for WordOrObject<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = WordOrObject<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an object")
            }

            fn visit_str<E>(self, word: &str) -> Result<WordOrObject<T>, E> {
                Ok(WordOrObject::Word(word.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<WordOrObject<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(fields)).map(WordOrObject::Object)
            }
        }

        deserializer.deserialize_any(Either(PhantomData))
    }
}

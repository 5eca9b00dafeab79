//! The contract explains itself: whatever a client can name has a comment, and every rpc says how it fails.

// Tests may panic, and their helpers are tests, too.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;

use prost::Message as _;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FileDescriptorProto, FileDescriptorSet, ServiceDescriptorProto,
};

/// Field numbers in `descriptor.proto`: a place in a file is a path of these and of indices.
mod place {
    pub(crate) const FILE_MESSAGE: i32 = 4;
    pub(crate) const FILE_ENUM: i32 = 5;
    pub(crate) const FILE_SERVICE: i32 = 6;
    pub(crate) const FILE_EXTENSION: i32 = 7;
    pub(crate) const MESSAGE_FIELD: i32 = 2;
    pub(crate) const MESSAGE_NESTED: i32 = 3;
    pub(crate) const MESSAGE_ENUM: i32 = 4;
    pub(crate) const ENUM_VALUE: i32 = 2;
    pub(crate) const SERVICE_METHOD: i32 = 2;
}

/// What one file names, each by its full name with the comment it has.
struct Reader<'a> {
    comments: HashMap<&'a [i32], &'a str>,
    /// Services, messages, fields, enums, their values, extensions.
    things: Vec<(String, &'a str)>,
    rpcs: Vec<(String, &'a str)>,
}

// === impl Reader ===

impl<'a> Reader<'a> {
    fn of(file: &'a FileDescriptorProto) -> Reader<'a> {
        let places = &file.source_code_info.as_ref().unwrap().location;
        let comments = places.iter().map(|at| (&*at.path, at.leading_comments().trim())).collect();
        let mut reader = Reader { comments, things: Vec::new(), rpcs: Vec::new() };
        let package = file.package();
        for (at, message) in (0..).zip(&file.message_type) {
            reader.message(package, &[place::FILE_MESSAGE, at], message);
        }
        for (at, list) in (0..).zip(&file.enum_type) {
            reader.enumeration(package, &[place::FILE_ENUM, at], list);
        }
        for (at, extension) in (0..).zip(&file.extension) {
            reader.note(package, extension.name(), &[place::FILE_EXTENSION, at]);
        }
        for (at, service) in (0..).zip(&file.service) {
            reader.service(package, &[place::FILE_SERVICE, at], service);
        }
        reader
    }

    fn comment(&self, path: &[i32]) -> &'a str {
        self.comments.get(path).copied().unwrap_or_default()
    }

    fn note(&mut self, parent: &str, name: &str, path: &[i32]) -> String {
        let full = format!("{parent}.{name}");
        self.things.push((full.clone(), self.comment(path)));
        full
    }

    fn service(&mut self, parent: &str, path: &[i32], service: &ServiceDescriptorProto) {
        let name = self.note(parent, service.name(), path);
        for (at, method) in (0..).zip(&service.method) {
            let comment = self.comment(&[path, &[place::SERVICE_METHOD, at]].concat());
            self.rpcs.push((format!("{name}.{}", method.name()), comment));
        }
    }

    fn message(&mut self, parent: &str, path: &[i32], message: &DescriptorProto) {
        let name = self.note(parent, message.name(), path);
        for (at, field) in (0..).zip(&message.field) {
            self.note(&name, field.name(), &[path, &[place::MESSAGE_FIELD, at]].concat());
        }
        for (at, nested) in (0..).zip(&message.nested_type) {
            let generated = nested.options.as_ref().is_some_and(|options| options.map_entry());
            if !generated {
                self.message(&name, &[path, &[place::MESSAGE_NESTED, at]].concat(), nested);
            }
        }
        for (at, list) in (0..).zip(&message.enum_type) {
            self.enumeration(&name, &[path, &[place::MESSAGE_ENUM, at]].concat(), list);
        }
    }

    fn enumeration(&mut self, parent: &str, path: &[i32], list: &EnumDescriptorProto) {
        let name = self.note(parent, list.name(), path);
        for (at, value) in (0..).zip(&list.value) {
            self.note(&name, value.name(), &[path, &[place::ENUM_VALUE, at]].concat());
        }
    }
}

fn files() -> Vec<FileDescriptorProto> {
    let set = FileDescriptorSet::decode(bsm_proto::DESCRIPTORS).unwrap();
    let own: Vec<_> = set.file.into_iter().filter(|file| file.package().starts_with("bsm.")).collect();
    assert!(own.len() >= 7, "the descriptor set lacks files");
    own
}

/// The names of those whose comment lacks something.
fn lacking(named: &[(String, &str)], fits: impl Fn(&str) -> bool) -> Vec<String> {
    named.iter().filter(|(_, comment)| !fits(comment)).map(|(name, _)| name.clone()).collect()
}

#[test]
fn whatever_a_client_can_name_has_a_comment() {
    let files = files();
    let bare = files.iter().flat_map(|file| lacking(&Reader::of(file).things, |comment| !comment.is_empty()));
    let bare: Vec<_> = bare.collect();
    assert!(bare.is_empty(), "{} without a comment:\n{}", bare.len(), bare.join("\n"));
}

#[test]
fn every_rpc_says_what_it_does_and_names_its_errors() {
    let files = files();
    let tells = |comment: &str| !comment.starts_with("Errors:") && comment.contains("Errors: ");
    let silent: Vec<_> = files.iter().flat_map(|file| lacking(&Reader::of(file).rpcs, tells)).collect();
    assert!(silent.is_empty(), "{} without `Errors: `:\n{}", silent.len(), silent.join("\n"));
}

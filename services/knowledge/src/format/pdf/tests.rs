//! Files are made by the library's own writer.

use lopdf::{
    EncryptionState, EncryptionVersion, Object, Permissions, Stream,
    content::{Content, Operation},
    dictionary,
};

use super::*;

/// A PDF with a title and these pages.
pub(crate) fn pdf(title: &str, pages: &[&str]) -> Vec<u8> {
    saved(made(title, pages))
}

fn saved(mut document: Document) -> Vec<u8> {
    let mut bytes = Vec::new();
    document.save_to(&mut bytes).unwrap();
    bytes
}

fn made(title: &str, pages: &[&str]) -> Document {
    let mut document = Document::with_version("1.5");
    let tree = document.new_object_id();
    let font =
        document.add_object(dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Courier" });
    let resources = document.add_object(dictionary! { "Font" => dictionary! { "F1" => font } });
    let mut kids = Vec::<Object>::new();
    for text in pages {
        let content = Content {
            operations: vec![
                Operation::new("BT", vec![]),
                Operation::new("Tf", vec!["F1".into(), 12.into()]),
                Operation::new("Td", vec![100.into(), 600.into()]),
                Operation::new("Tj", vec![Object::string_literal(*text)]),
                Operation::new("ET", vec![]),
            ],
        };
        let content = document.add_object(Stream::new(dictionary! {}, content.encode().unwrap()));
        let page = dictionary! {
            "Type" => "Page", "Parent" => tree, "Contents" => content, "Resources" => resources,
            "MediaBox" => vec![0.into(), 0.into(), 595.into(), 842.into()],
        };
        kids.push(document.add_object(page).into());
    }
    let count = kids.len() as i64;
    document.objects.insert(
        tree,
        Object::Dictionary(dictionary! { "Type" => "Pages", "Kids" => kids, "Count" => count }),
    );
    let catalog = document.add_object(dictionary! { "Type" => "Catalog", "Pages" => tree });
    let about = document.add_object(dictionary! { "Title" => Object::string_literal(title) });
    document.trailer.set("Root", catalog);
    document.trailer.set("Info", about);
    document.trailer.set(
        "ID",
        vec![Object::string_literal("0123456789abcdef"), Object::string_literal("0123456789abcdef")],
    );
    document
}

fn encrypted(password: &str) -> Vec<u8> {
    let mut document = made("T", &["secret words"]);
    let version = EncryptionVersion::V2 {
        document: &document,
        owner_password: "owner",
        user_password: password,
        key_length: 128,
        permissions: Permissions::all(),
    };
    let state = EncryptionState::try_from(version).unwrap();
    document.encrypt(&state).unwrap();
    saved(document)
}

#[test]
fn each_page_is_a_section_and_the_title_is_the_files() {
    let outline = read(&pdf("Rules", &["Never commit a key.", "Rotate it."])).unwrap();
    assert_eq!(outline.title.as_deref(), Some("Rules"));
    assert_eq!(outline.text, "## Page 1\n\nNever commit a key.\n\n## Page 2\n\nRotate it.\n");
}

#[test]
fn what_is_no_pdf_or_a_damaged_one_is_told_as_that() {
    assert_eq!(read(b""), Err(Unusable::NoPdf));
    assert_eq!(read(b"<html>not a PDF</html>"), Err(Unusable::NoPdf));
    assert_eq!(read(b"%PDF-1.7\nnothing else"), Err(Unusable::Damaged));
    let whole = pdf("T", &["words"]);
    for length in (9..whole.len()).step_by(7) {
        let _ = read(&whole[..length]); // whatever comes of it, it comes back
    }
}

#[test]
fn a_pdf_that_needs_a_password_is_told_as_that_and_one_that_does_not_is_read() {
    assert_eq!(read(&encrypted("secret")), Err(Unusable::Encrypted));
    assert!(read(&encrypted("")).unwrap().text.contains("secret words"));
}

#[test]
fn a_pdf_without_text_is_told_as_that() {
    assert_eq!(read(&pdf("T", &["", " "])), Err(Unusable::NoText));
}

#[test]
fn a_stream_that_unfolds_without_end_is_refused() {
    let mut document = made("T", &["x"]);
    let page = document.get_pages()[&1];
    let spaces = vec![b' '; MOST_UNFOLDED + 1];
    let mut stream = Stream::new(dictionary! {}, spaces);
    stream.compress().unwrap();
    let bomb = document.add_object(stream);
    document.get_object_mut(page).unwrap().as_dict_mut().unwrap().set("Contents", bomb);
    let bytes = saved(document);
    assert!(bytes.len() < 100_000);
    assert_eq!(read(&bytes), Err(Unusable::Unfolds));
}

#[test]
fn a_pdf_of_many_pages_or_of_deep_nesting_is_bounded() {
    let mut document = made("T", &["x"]);
    let tree = document.catalog().unwrap().get(b"Pages").unwrap().as_reference().unwrap();
    let page: Object = document.get_pages()[&1].into();
    let dict = document.get_object_mut(tree).unwrap().as_dict_mut().unwrap();
    dict.set("Kids", vec![page; MOST_PAGES + 1]);
    let bytes = saved(document);
    assert!(matches!(read(&bytes), Err(Unusable::Pages) | Ok(_)), "pages named twice may count once");
    let deep = format!("%PDF-1.4\n1 0 obj\n{}\nendobj\ntrailer<</Root 1 0 R>>\n%%EOF", "[".repeat(400_000));
    assert!(read(deep.as_bytes()).is_err());
}

use std::{path::PathBuf, time::Instant};

use bsm_proto::knowledge::v1::SearchKnowledgeRequest;

use super::*;

fn corpus(files: &[(&str, &str)]) -> Corpus {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    Corpus::load(dir.path()).unwrap()
}

fn asks(q: &str) -> SearchKnowledgeRequest {
    SearchKnowledgeRequest { q: q.to_owned(), ..SearchKnowledgeRequest::default() }
}

/// Documents with an index in memory.
struct Base(Corpus, Index);

impl Base {
    fn of(files: &[(&str, &str)]) -> Base {
        let corpus = corpus(files);
        let index = Index::in_memory(&corpus).unwrap();
        Base(corpus, index)
    }

    fn ask(&self, request: SearchKnowledgeRequest) -> Vec<Found> {
        find(&self.0, &self.1.searcher(), &Question::check(request).unwrap()).unwrap()
    }

    fn ids(&self, q: &str) -> Vec<String> {
        ids(&self.ask(asks(q)))
    }
}

fn ids(found: &[Found]) -> Vec<String> {
    found.iter().map(|one| one.passage().id.clone()).collect()
}

fn small() -> Base {
    Base::of(&[
        (
            "keys.md",
            "# Keys\n\n## Rotation\n\nRotate secrets every month.\n\n## Storage\n\nA vault keeps API keys.\n",
        ),
        (
            "review.md",
            "---\naudience: [code-review-agent]\ntags: [process]\n---\n# Review\n\nReviewers read every change.\n",
        ),
        ("arabic.md", "# الأمان\n\nلا تحفظ المفاتيح السرية في المستودع.\n"),
        ("pets.txt", "Cats and dogs sleep.\n"),
    ])
}

#[test]
fn passages_are_found_by_forms_of_their_words_in_english_and_arabic() {
    let base = small();
    assert_eq!(base.ids("secret rotating"), ["keys#rotation"]);
    assert_eq!(base.ids("reviewed changes")[0], "review#review");
    assert_eq!(base.ids("سري امان"), ["arabic#الأمان"]);
    assert_eq!(base.ids("nothing of that"), Vec::<String>::new());
    assert_eq!(base.ids("KEYS")[0], "keys#storage", "in the text, below the heading and in the title");
}

#[test]
fn a_phrase_is_its_words_side_by_side() {
    let base = small();
    assert_eq!(base.ids("\"every month\""), ["keys#rotation"]);
    assert_eq!(base.ids("\"month every\""), Vec::<String>::new());
    assert_eq!(base.ids("every month"), ["keys#rotation", "review#review"], "without quotes any of them");
}

#[test]
fn signs_say_what_must_and_must_not_be_there() {
    let base = small();
    assert_eq!(base.ids("every +change"), ["review#review"]);
    assert_eq!(base.ids("every -change"), ["keys#rotation"]);
    assert_eq!(base.ids("-change"), Vec::<String>::new(), "nothing is looked for");
    assert_eq!(base.ids("+secrets +cats"), Vec::<String>::new());
}

#[test]
fn words_that_no_passage_has_are_found_as_others_spell_them() {
    let base = small();
    assert_eq!(base.ids("secrts"), ["keys#rotation"], "one letter is missing");
    assert_eq!(base.ids("reviwres")[0], "review#review", "two letters are wrong in a long word");
    assert_eq!(base.ids("cots"), ["pets#start"]);
    assert_eq!(base.ids("cot"), Vec::<String>::new(), "a short word would be another");
    assert_eq!(base.ids("cot~"), ["pets#start"], "unless it is wanted");
    let exactly = SearchKnowledgeRequest { fuzzy: Some(0), ..asks("secrts") };
    assert_eq!(ids(&base.ask(exactly)), Vec::<String>::new());
    let found = &base.ask(asks("secrts"))[0];
    let Highlight { start, end } = found.highlights[0];
    assert_eq!(&found.text()[start as usize..end as usize], "secrets");
}

#[test]
fn filters_are_part_of_the_search_and_never_cost_an_answer() {
    let many: Vec<(String, String)> = (0..200)
        .map(|n| {
            (
                format!("d{n}.md"),
                format!("---\naudience: [other]\n---\n# Deploy {n}\n\ndeploy deploy deploy\n"),
            )
        })
        .collect();
    let mut files: Vec<(&str, &str)> = many.iter().map(|(name, text)| (&**name, &**text)).collect();
    files.push((
        "mine.md",
        "---\naudience: [me]\ntags: [a, b]\n---\nsomething long that says deploy once only\n",
    ));
    files.push(("ours.md", "another thing that says deploy\n"));
    let base = Base::of(&files);
    let mine = SearchKnowledgeRequest { audience: vec!["me".into()], limit: Some(5), ..asks("deploy") };
    let mut found = ids(&base.ask(mine.clone()));
    found.sort();
    assert_eq!(found, ["mine#start", "ours#start"]);
    let tagged = SearchKnowledgeRequest { tags: vec!["a".into(), "b".into()], ..asks("deploy") };
    assert_eq!(ids(&base.ask(tagged)), ["mine#start"]);
    let one = SearchKnowledgeRequest { document_id: Some("d7".into()), ..asks("deploy") };
    assert_eq!(ids(&base.ask(one)), ["d7#deploy-7"]);
    assert_eq!(base.ask(SearchKnowledgeRequest { limit: Some(100), ..asks("deploy") }).len(), 100);
}

#[test]
fn an_answer_stays_within_its_room_and_is_filled_up_when_that_is_wanted() {
    let base = small();
    let all = SearchKnowledgeRequest { token_budget: Some(1000), include_rest: true, ..asks("secrets") };
    let found = base.ask(all.clone());
    assert_eq!(ids(&found), ["keys#rotation", "arabic#الأمان", "keys#storage", "pets#start", "review#review"]);
    assert!(found[0].score > 0.0 && found[1..].iter().all(|one| one.score == 0.0));
    let tight = base.ask(SearchKnowledgeRequest { token_budget: Some(30), ..all.clone() });
    let taken: u32 = tight.iter().map(|one| room::tokens(one.text())).sum();
    assert!(taken <= 30 && tight[0].passage().id == "keys#rotation", "{taken}: {:?}", ids(&tight));
    let none = base.ask(SearchKnowledgeRequest { token_budget: Some(1), ..all });
    assert_eq!(none, []);
    let meant = SearchKnowledgeRequest {
        token_budget: Some(1000),
        include_rest: true,
        audience: vec!["nobody".into()],
        ..asks("secrets")
    };
    assert!(!ids(&base.ask(meant)).contains(&"review#review".to_owned()), "it is not meant for them");
}

#[test]
fn what_scores_alike_comes_newer_first_and_then_by_id() {
    let base = Base::of(&[("b.md", "same words"), ("a.md", "same words"), ("c.md", "same words")]);
    let mut corpus = base.0.clone();
    let at = |id: &str, ms| {
        let mut document = Document::clone(corpus.get(id).unwrap());
        document.provenance.added_at_ms = ms;
        (id.to_owned(), Arc::new(document))
    };
    let added = [at("a", 1), at("b", 9), at("c", 1)].into_iter().collect();
    corpus = Corpus::joined(&Corpus::default(), &added).0;
    let index = Index::in_memory(&corpus).unwrap();
    assert_eq!(Base(corpus, index).ids("same"), ["b#start", "a#start", "c#start"]);
}

#[test]
fn whatever_is_typed_is_answered() {
    let base = small();
    for odd in [
        "\"",
        "\"\"",
        "+",
        "-",
        "~",
        "*",
        "title:x",
        "a AND b OR",
        "((((",
        "[1 TO 2]",
        "x^9",
        "\\",
        "/re.*/",
        "\u{0}",
        "\"every",
        "+\"\" -\"\"",
        "a~9",
        "~~~1",
        "😀",
        "\u{202e}abc",
        "NOT",
        "every~0",
        &"x ".repeat(900),
        &"\"a b\" ".repeat(300),
    ] {
        let began = Instant::now();
        let _ = base.ask(asks(odd));
        assert!(began.elapsed().as_secs() < 5, "{odd:.40?}");
    }
}

#[test]
fn an_update_finds_what_is_new_and_nothing_that_is_gone() {
    let Base(old, mut index) = Base::of(&[("a.md", "first words"), ("b.md", "other things")]);
    let new = corpus(&[("a.md", "second words"), ("c.md", "third")]);
    index.update(&old, &new).unwrap();
    let base = Base(new, index);
    assert_eq!(base.ids("words"), ["a#start"]);
    assert_eq!(base.ids("first other"), Vec::<String>::new());
    assert_eq!(base.ids("third"), ["c#start"]);
}

/// The folder of an index, and when each of its files was written.
fn written(place: &std::path::Path) -> Vec<(PathBuf, std::time::SystemTime)> {
    let files = std::fs::read_dir(place.join("passages")).unwrap().map(|entry| entry.unwrap().path());
    let mut written: Vec<_> =
        files.map(|file| (file.clone(), file.metadata().unwrap().modified().unwrap())).collect();
    written.sort();
    written
}

#[test]
fn an_index_on_disk_is_used_again_for_the_same_documents_only() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("index");
    let first = corpus(&[("a.md", "first words")]);
    drop(Index::open(&place, &first).unwrap());
    let before = written(&place);
    let segments = |written: &[(PathBuf, std::time::SystemTime)]| {
        written
            .iter()
            .filter(|(file, _)| file.extension().is_some_and(|e| e == "store"))
            .cloned()
            .collect::<Vec<_>>()
    };
    drop(Index::open(&place, &first).unwrap());
    assert_eq!(segments(&written(&place)), segments(&before), "nothing was written again");
    let second = corpus(&[("a.md", "second words")]);
    let index = Index::open(&place, &second).unwrap();
    assert_ne!(segments(&written(&place)), segments(&before));
    let base = Base(second, index);
    assert_eq!((base.ids("second").len(), base.ids("first").len()), (1, 0));
}

#[test]
fn an_index_is_made_anew_whichever_of_its_files_is_damaged() {
    let documents = corpus(&[("a.md", "first words"), ("b.md", "# H\n\nmore words")]);
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("index");
    drop(Index::open(&place, &documents).unwrap());
    let names: Vec<PathBuf> = written(&place).into_iter().map(|(file, _)| file).collect();
    assert!(names.len() > 5, "{names:?}");
    type Damage = fn(Vec<u8>) -> Vec<u8>;
    let damages: [(&str, Damage); 3] = [
        ("cut short", |bytes| bytes[..bytes.len() / 2].to_vec()),
        ("flipped", |mut bytes| {
            let middle = bytes.len() / 3;
            bytes.get_mut(middle).into_iter().for_each(|byte| *byte ^= 0xff);
            bytes
        }),
        ("emptied", |_| Vec::new()),
    ];
    for number in 0..names.len() {
        for (what, damage) in damages {
            // Made anew each time, so names differ; kinds of files do not.
            let file = written(&place)
                .into_iter()
                .map(|(file, _)| file)
                .nth(number.min(written(&place).len() - 1))
                .unwrap();
            std::fs::write(&file, damage(std::fs::read(&file).unwrap())).unwrap();
            let base = Base(documents.clone(), Index::open(&place, &documents).unwrap());
            let mut found = base.ids("words");
            found.sort();
            assert_eq!(found, ["a#start", "b#h"], "{what}: {}", file.display());
        }
    }
    for number in 0..names.len() {
        let files = written(&place);
        std::fs::remove_file(&files[number.min(files.len() - 1)].0).unwrap();
        assert_eq!(Base(documents.clone(), Index::open(&place, &documents).unwrap()).ids("words").len(), 2);
    }
}

#[test]
fn a_second_process_has_its_index_in_memory() {
    let dir = tempfile::tempdir().unwrap();
    let documents = corpus(&[("a.md", "first words")]);
    let place = dir.path().join("index");
    let one = Base(documents.clone(), Index::open(&place, &documents).unwrap());
    let other = Base(documents.clone(), Index::open(&place, &documents).unwrap());
    assert_eq!(
        (one.ids("words"), other.ids("words")),
        (vec!["a#start".to_owned()], vec!["a#start".to_owned()])
    );
    drop(other);
    assert_eq!(one.ids("words").len(), 1);
}

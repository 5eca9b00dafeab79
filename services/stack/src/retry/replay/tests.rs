use http_body_util::{BodyExt, Empty, Full};

use super::*;
use crate::testing::{Feed, streaming};

fn feed() -> (crate::testing::Feeder, Feed) {
    let (feeder, response) = streaming();
    (feeder, response.into_body())
}

async fn read<B>(body: ReplayBody<B>) -> (Bytes, Option<HeaderMap>)
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let collected = body.collect().await.expect("whole");
    let trailers = collected.trailers().cloned();
    (collected.to_bytes(), trailers)
}

#[tokio::test]
async fn a_body_that_is_there_at_once_can_be_sent_any_number_of_times_without_a_copy() {
    let original = Bytes::from_static(b"a message");
    let (first, whole) = gather(Full::new(original.clone()), 1024);
    let whole = whole.expect("whole");
    for body in [first, whole.again(), whole.again()] {
        assert_eq!(body.size_hint().exact(), Some(9));
        let (data, _) = read(body).await;
        assert_eq!(data.as_ptr(), original.as_ptr());
    }
}

#[tokio::test]
async fn several_frames_and_trailers_are_sent_again_too() {
    let (feeder, body) = feed();
    feeder.data();
    feeder.data();
    feeder.trailers("0");
    let (first, whole) = gather(body, 1024);
    for body in [first, whole.expect("whole").again()] {
        let (data, trailers) = read(body).await;
        assert_eq!((&data[..], trailers.is_some()), (&b"messagemessage"[..], true));
    }
}

#[tokio::test]
async fn an_empty_body_is_whole() {
    let (body, whole) = gather(Empty::<Bytes>::new(), 0);
    assert!(body.is_end_stream() && whole.is_some());
}

#[tokio::test]
async fn a_body_that_is_still_being_produced_is_sent_once_and_wakes_its_sender() {
    let (feeder, body) = feed();
    feeder.data();
    let (mut body, whole) = gather(body, 1024);
    assert!(whole.is_none());
    assert!(body.frame().await.expect("what was there").is_ok());
    let reading = tokio::spawn(async move { body.frame().await.expect("a frame").is_ok() });
    tokio::task::yield_now().await;
    feeder.data();
    assert!(reading.await.expect("no panic"));
}

#[tokio::test]
async fn a_body_above_the_bound_is_sent_once_and_whole() {
    let (announced, whole) = gather(Full::new(Bytes::from(vec![1; 2000])), 1000);
    assert!(whole.is_none() && announced.data.is_empty(), "not even looked at");
    assert_eq!(read(announced).await.0.len(), 2000);

    let (feeder, body) = feed();
    (0..4).for_each(|_| feeder.data());
    drop(feeder);
    let (body, whole) = gather(body, 10);
    assert!(whole.is_none());
    assert_eq!(read(body).await.0.len(), 28, "7 bytes four times");
}

#[tokio::test]
async fn a_body_that_fails_fails_after_what_was_read() {
    let (feeder, body) = feed();
    feeder.data();
    feeder.fail("no more");
    let (mut body, whole) = gather(body, 1024);
    assert!(whole.is_none());
    assert!(body.frame().await.expect("what was there").is_ok());
    assert!(body.frame().await.expect("the failure").is_err());
    assert!(body.frame().await.is_none());
}

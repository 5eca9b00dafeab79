//! Words for the refusals of the gRPC library, which come before any handler: those of ours have details, these have none.

use tonic::{Code, Status};

use crate::status::Refusal;

/// What a caller is told instead of `status`, the head of an answer to `method`. `None`: it is well said already.
///
/// The library calls a request that cannot be read INTERNAL; but it is the caller who has to mend it.
pub(super) fn reworded(status: &Status, method: &str) -> Option<Status> {
    if !status.details().is_empty() {
        return None;
    }
    let refusal = match status.code() {
        Code::Internal => {
            let message = format!("the request to {method} cannot be read: {}", status.message());
            Refusal::new(Code::InvalidArgument, "MALFORMED_REQUEST", message)
        }
        Code::Unimplemented if status.message().is_empty() => {
            let message = format!("there is no rpc {method} here; reflection lists those that there are");
            Refusal::new(Code::Unimplemented, "UNKNOWN_RPC", message)
        }
        _ => return None,
    };
    Some(refusal.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::reason;

    fn said(status: &Status) -> (Code, Option<String>) {
        let reworded = reworded(status, "bsm.x.v1.X/Y").unwrap_or_else(|| status.clone());
        (reworded.code(), reason(&reworded))
    }

    #[test]
    fn what_the_library_refuses_is_the_callers_to_mend() {
        let unreadable = Status::internal("failed to decode Protobuf message: invalid wire type");
        assert_eq!(said(&unreadable), (Code::InvalidArgument, Some("MALFORMED_REQUEST".into())));
        assert_eq!(said(&Status::unimplemented("")), (Code::Unimplemented, Some("UNKNOWN_RPC".into())));
    }

    #[test]
    fn what_is_well_said_stays() {
        let ours: Status = Refusal::new(Code::Internal, "INTERNAL", "a fault of ours").into();
        assert_eq!(said(&ours), (Code::Internal, Some("INTERNAL".into())));
        let compressed = Status::unimplemented("Content is compressed with `lzw` which isn't supported");
        assert_eq!(said(&compressed), (Code::Unimplemented, None));
        assert_eq!(said(&Status::ok("")), (Code::Ok, None));
    }
}

//! Calls about the sessions of all workers.

use std::collections::BTreeMap;
use std::sync::Arc;

use bus::{Answer, Ask, Payload};
use bytes::{BufMut, Bytes, BytesMut};
use calls::CallId;
use error::{Code, Error};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Shared;
use super::owner::Fate;
use super::place::{away_for_all, no_worker};
use crate::Reply;
use crate::client::Failure;

impl Shared {
    /// Has every worker answer, and puts the answers together. If one fails, all of it does: a part would pass for all.
    pub(super) async fn at_all(self: &Arc<Self>, call: CallId, ask: &Ask) -> Answer {
        let fate = Fate { call, ask, maybe_done: false };
        let all = match self.told(self.registry.workers()).await {
            Ok(all) if all.is_empty() => return fate.error(no_worker()),
            Ok(all) => all,
            Err(why) => return fate.error(away_for_all(&why)),
        };
        let asked = all.iter().map(|worker| async {
            let peer = self.client.peer(&worker.address)?;
            self.forward(&peer, ask).await
        });
        let mut parts = Vec::with_capacity(all.len());
        let mut as_of_ms: Option<i64> = None;
        let mut failed: Option<Answer> = None;
        for (worker, reply) in all.iter().zip(join_all(asked).await) {
            match reply {
                Ok(Reply::Answer(Answer { result: Ok(Payload::Json(json)), as_of_ms: part, .. })) => {
                    as_of_ms = match (as_of_ms, part) {
                        (Some(whole), Some(part)) => Some(whole.min(part)),
                        (whole, part) => whole.or(part),
                    };
                    parts.push(json);
                }
                Ok(Reply::Answer(answer)) if answer.result.is_err() => failed = Some(answer),
                other => {
                    tracing::warn!(worker = %worker.worker, ?other, "a worker is missing in an answer of all");
                    failed = failed.or_else(|| Some(missing(call, &other).into()));
                }
            }
        }
        if let Some(failed) = failed {
            return failed;
        }
        Answer { as_of_ms, ..Answer::of(merged(&parts).map(Payload::Json)) }
    }
}

fn missing(call: CallId, reply: &Result<Reply, Failure>) -> Error {
    let name = call.name();
    let late = matches!(reply, Err(Failure::Late));
    let told = if call.policy().only_reads() {
        format!(
            "One of the workers of this service does not answer, so {name} would not be complete. Try again."
        )
    } else {
        format!(
            "One of the workers of this service does not answer: {name} was done on some of them only, or is not known to be done. Repeat it."
        )
    };
    Error::new(if late { Code::Timeout } else { Code::ServerBusy }, told)
}

/// One document of several: lists are joined, counts are added.
fn merged(parts: &[Bytes]) -> Result<Bytes, Error> {
    let bodies: Vec<&[u8]> = parts.iter().map(|part| part.trim_ascii()).collect();
    if let [_] = bodies.as_slice() {
        return Ok(parts[0].clone());
    }
    if bodies.iter().all(|body| body.starts_with(b"[") && body.ends_with(b"]")) {
        return Ok(joined(&bodies));
    }
    let mut whole = Counts::default();
    for body in bodies {
        let part: Counts<'_> = serde_json::from_slice(body).map_err(Error::internal)?;
        whole.accounts_count = whole.accounts_count.saturating_add(part.accounts_count);
        whole.pods_count = whole.pods_count.saturating_add(part.pods_count);
        whole.accounts_count_by_pod.extend(part.accounts_count_by_pod);
        whole.pods.extend(part.pods);
    }
    serde_json::to_vec(&whole).map(Bytes::from).map_err(Error::internal)
}

/// Lists as one, without reading what is in them.
fn joined(lists: &[&[u8]]) -> Bytes {
    let mut whole = BytesMut::with_capacity(lists.iter().map(|list| list.len()).sum::<usize>() + 2);
    whole.put_u8(b'[');
    for list in lists {
        let inside = list[1..list.len() - 1].trim_ascii();
        if inside.is_empty() {
            continue;
        }
        if whole.len() > 1 {
            whole.put_u8(b',');
        }
        whole.put_slice(inside);
    }
    whole.put_u8(b']');
    whole.freeze()
}

/// What is counted of all processes, in the published order.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Counts<'a> {
    accounts_count: u32,
    pods_count: u32,
    accounts_count_by_pod: BTreeMap<String, u32>,
    #[serde(borrow)]
    pods: Vec<&'a RawValue>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(parts: &[&'static str]) -> String {
        let parts: Vec<Bytes> = parts.iter().map(|part| Bytes::from_static(part.as_bytes())).collect();
        String::from_utf8(merged(&parts).unwrap().to_vec()).unwrap()
    }

    #[test]
    fn lists_are_joined() {
        assert_eq!(whole(&["[1,2]", "[]", " [3] "]), "[1,2,3]");
        assert_eq!(whole(&["[]", "[]"]), "[]");
        assert_eq!(whole(&["[7]"]), "[7]");
    }

    #[test]
    fn counts_are_added() {
        let one =
            r#"{"accountsCount":2,"podsCount":1,"accountsCountByPod":{"a":2},"pods":[{"id":"a","x":1.10}]}"#;
        let two = r#"{"accountsCount":3,"podsCount":1,"accountsCountByPod":{"b":3},"pods":[{"id":"b"}]}"#;
        let both = r#"{"accountsCount":5,"podsCount":2,"accountsCountByPod":{"a":2,"b":3},"pods":[{"id":"a","x":1.10},{"id":"b"}]}"#;
        assert_eq!(whole(&[one, two]), both);
        assert!(merged(&[Bytes::from_static(b"1"), Bytes::from_static(b"2")]).is_err());
    }
}

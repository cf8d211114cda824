//! What sessions keep in memory, counted for each and for all together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What all sessions keep, in bytes. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct Total(Arc<AtomicUsize>);

impl Total {
    pub(super) fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// What one of them keeps of something, in bytes. Dropped, it does not count any more.
pub(super) struct Tally {
    own: usize,
    all: Total,
}

impl Tally {
    pub(super) fn of(all: &Total) -> Self {
        Self { own: 0, all: all.clone() }
    }

    pub(super) const fn bytes(&self) -> usize {
        self.own
    }

    pub(super) fn add(&mut self, bytes: usize) {
        self.own += bytes;
        self.all.0.fetch_add(bytes, Ordering::Relaxed);
    }

    /// At most what was added.
    pub(super) fn sub(&mut self, bytes: usize) {
        let bytes = bytes.min(self.own);
        self.own -= bytes;
        self.all.0.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        self.sub(self.own);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use crate::{
        AccountName, CallOutcome, Entry, Fence, Journal as _, Key, Keyed, Keys as _, MemoryRegistry, Opened,
        Sessions as _, WorkerId, Written,
    };

    const MAX: usize = 64 << 10;

    async fn open(registry: &MemoryRegistry, token: &str) -> Fence {
        let account = AccountName::new(token);
        match registry.open(token, &account, &WorkerId::new("one"), &Bytes::new()).await.unwrap() {
            Opened::Yes(fence) => fence,
            other => panic!("{other:?}"),
        }
    }

    fn kept(registry: &MemoryRegistry) -> usize {
        registry.state().kept.bytes()
    }

    fn yes(written: Written) {
        assert_eq!(written, Written::Yes);
    }

    #[tokio::test]
    async fn who_keeps_more_than_its_share_of_too_much_is_given_no_more_and_others_are() {
        let registry = MemoryRegistry::new().with_kept_bytes(MAX);
        let (large, small) = (open(&registry, "large").await, open(&registry, "small").await);
        let key = |name: &str| Key::Chosen(name.to_owned());
        let entry = |number| Entry { number, key: None, request: Bytes::from_static(b"request") };
        for (part, number) in [(0_u32, 1), (1, 2), (2, 3)] {
            assert_eq!(
                registry.begin_key("large", large, &key(&part.to_string()), "").await.unwrap(),
                Keyed::New
            );
            assert_eq!(registry.begin("large", large, &entry(number)).await.unwrap(), Written::Yes);
            let text = Bytes::from(vec![b'x'; MAX / 3]);
            let outcome = CallOutcome { text, is_known: true, number: None };
            yes(registry.settle_key("large", large, &key(&part.to_string()), &outcome).await.unwrap());
        }
        assert_eq!(registry.begin_key("large", large, &key("more"), "").await.unwrap(), Keyed::Full);
        let refused = registry.begin("large", large, &entry(9)).await.unwrap_err();
        assert!(refused.to_string().contains("more than its share"), "{refused}");
        // What stands there is answered and settled still, and others go on.
        assert!(matches!(
            registry.begin_key("large", large, &key("0"), "").await.unwrap(),
            Keyed::Done { .. }
        ));
        assert_eq!(
            registry.settle("large", large, 1, &Bytes::from_static(b"done")).await.unwrap(),
            Written::Yes
        );
        assert_eq!(registry.begin_key("small", small, &key("more"), "").await.unwrap(), Keyed::New);
        assert_eq!(registry.begin("small", small, &entry(1)).await.unwrap(), Written::Yes);
        let before = kept(&registry);
        yes(registry.save("small", small, &Bytes::from(vec![1; 100])).await.unwrap());
        assert_eq!(kept(&registry), before + 100, "memos count");
        yes(registry.save("small", small, &Bytes::from(vec![1; 10])).await.unwrap());
        assert_eq!(kept(&registry), before + 10);
    }

    #[tokio::test]
    async fn what_is_gone_does_not_count() {
        let registry = MemoryRegistry::new();
        let fence = open(&registry, "token").await;
        yes(registry.save("token", fence, &Bytes::from(vec![1; 100])).await.unwrap());
        for number in 0..3000 {
            let entry = Entry { number, key: None, request: Bytes::from_static(b"request") };
            yes(registry.begin("token", fence, &entry).await.unwrap());
            yes(registry.begin("token", fence, &entry).await.unwrap());
            yes(registry.settle("token", fence, number, &Bytes::from_static(b"refused")).await.unwrap());
            yes(registry.settle("token", fence, number, &Bytes::from_static(b"done")).await.unwrap());
        }
        assert_eq!(kept(&registry), 100 + 4 * 1024, "the memo, and outcomes that are remembered");
        yes(registry.end("token", fence, None).await.unwrap());
        assert_eq!(kept(&registry), 0);
    }
}

//! Where the entries of a list stood in the one before.

use std::collections::HashMap;

use bytes::Bytes;

/// See the module. Entries are the same if they are the same memory, or stand where they stood and say the same.
pub(super) struct Places<'a> {
    last: &'a [Bytes],
    /// Most of the time an entry is the next one of the last list.
    next: usize,
    /// Where the others are: made when it is first needed.
    others: Option<HashMap<(*const u8, usize), usize>>,
}

impl<'a> Places<'a> {
    pub(super) const fn of(last: &'a [Bytes]) -> Self {
        Self { last, next: 0, others: None }
    }

    /// The place of the next entry of a list.
    pub(super) fn find(&mut self, entry: &Bytes) -> Option<usize> {
        let place = match self.last.get(self.next) {
            Some(known) if is_same(known, entry) => Some(self.next),
            _ => self.look_up(entry),
        };
        self.next = place.unwrap_or(self.next) + 1;
        place
    }

    fn look_up(&mut self, entry: &Bytes) -> Option<usize> {
        let all = self.others.get_or_insert_with(|| {
            let places = self.last.iter().enumerate();
            places.map(|(place, entry)| ((entry.as_ptr(), entry.len()), place)).collect()
        });
        all.get(&(entry.as_ptr(), entry.len())).copied()
    }
}

/// What has not changed is the same memory, so nothing of it is read.
fn is_same(known: &Bytes, entry: &Bytes) -> bool {
    known.len() == entry.len() && (known.as_ptr() == entry.as_ptr() || known == entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_where_they_stood_and_elsewhere() {
        let list: Vec<Bytes> = ["a", "b", "c", "d"].map(|text| Bytes::from(text.to_owned())).into();
        let mut places = Places::of(&list);
        let said_again = Bytes::from("a".to_owned());
        let entries = [&said_again, &list[2], &list[3], &list[1], &said_again];
        let found = entries.map(|entry| places.find(entry));
        assert_eq!(
            found,
            [Some(0), Some(2), Some(3), Some(1), None],
            "elsewhere only the same memory counts"
        );
    }

    #[test]
    fn what_has_not_changed_is_not_read() {
        // Reading 64 MiB a million times would not end within a day.
        let list = vec![Bytes::from(vec![b'x'; 64 << 20])];
        for _ in 0..1_000_000 {
            assert_eq!(Places::of(&list).find(&list[0].clone()), Some(0));
        }
    }
}

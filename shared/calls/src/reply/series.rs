//! Long lists that are encoded from what they are made of.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

/// A long list whose items are made one by one while it is encoded, so that there is no second copy of it.
pub struct Series<T>(Box<dyn Fn(usize) -> Option<T> + Send + Sync>);

impl<T> Series<T> {
    /// The items at 0, 1 and so on, up to the first that is none.
    pub fn of(item: impl Fn(usize) -> Option<T> + Send + Sync + 'static) -> Self {
        Self(Box::new(item))
    }
}

impl<T: Clone + Send + Sync + 'static> From<Vec<T>> for Series<T> {
    fn from(items: Vec<T>) -> Self {
        Self::of(move |place| items.get(place).cloned())
    }
}

impl<T> fmt::Debug for Series<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Series")
    }
}

impl<T: Serialize> Serialize for Series<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut list = to.serialize_seq(None)?;
        for item in (0..).map_while(&self.0) {
            list.serialize_element(&item)?;
        }
        list.end()
    }
}

/// As the list that it is.
impl<T: JsonSchema> JsonSchema for Series<T> {
    fn inline_schema() -> bool {
        Vec::<T>::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        Vec::<T>::schema_name()
    }

    fn json_schema(schemas: &mut SchemaGenerator) -> Schema {
        Vec::<T>::json_schema(schemas)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_encoded_as_the_list_that_it_is() {
        for length in [0, 1, 3] {
            let items: Vec<usize> = (0..length).map(|number| number * number).collect();
            let lazy = Series::of(move |place| (place < length).then_some(place * place));
            let expected = crate::json(&items).unwrap();
            assert_eq!(crate::json(&lazy).unwrap(), expected);
            assert_eq!(crate::json(&Series::from(items)).unwrap(), expected);
        }
        let mut schemas = SchemaGenerator::default();
        assert_eq!(Series::<bool>::json_schema(&mut schemas), Vec::<bool>::json_schema(&mut schemas));
    }
}

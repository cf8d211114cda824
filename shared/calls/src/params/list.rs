//! Lists: repeated keys, indexed keys, or one value with commas.

use error::Error;

use super::{Field, Param, Params};
use crate::given::Given;
use crate::spec::Parameters;

/// A list of names, as given. A single value may be a comma-joined list or a name that holds a comma: only who
/// knows the names can tell, see [`Names::resolve`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names(Vec<String>);

impl Names {
    /// The values as given.
    pub fn raw(&self) -> &[String] {
        &self.0
    }

    /// True when no value was given.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names meant: a value that is not known is taken apart at its commas, and nowhere else.
    pub fn resolve(&self, is_known: impl Fn(&str) -> bool) -> Vec<&str> {
        let mut names = Vec::new();
        for value in &self.0 {
            if is_known(value) {
                names.push(value.as_str());
            } else {
                names.extend(value.split(',').filter(|name| !name.is_empty()));
            }
        }
        names
    }
}

impl<S: Into<String>> FromIterator<S> for Names {
    fn from_iter<I: IntoIterator<Item = S>>(names: I) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }
}

/// A list that must not be empty.
impl Field for Names {
    fn read(from: &Params, name: &str) -> Result<Self, Error> {
        Option::<Names>::read(from, name)?
            .ok_or_else(|| Error::missing_param(name, "one or more names, repeating the parameter for each"))
    }

    fn describe(name: &'static str, doc: &'static str, to: &mut Parameters<'_>) {
        to.add::<Vec<String>>(name, doc, true);
    }

    fn list(&self, name: &'static str, to: &mut Given) {
        to.add(name, &self.0);
    }
}

impl Field for Option<Names> {
    fn read(from: &Params, name: &str) -> Result<Self, Error> {
        let names: Names = from.list(name).collect();
        Ok(if names.is_empty() { None } else { Some(names) })
    }

    fn describe(name: &'static str, doc: &'static str, to: &mut Parameters<'_>) {
        to.add::<Vec<String>>(name, doc, false);
    }

    fn list(&self, name: &'static str, to: &mut Given) {
        if let Some(names) = self {
            names.list(name, to);
        }
    }
}

/// A list of values that hold no comma, such as numbers: a value may itself be a comma-joined list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Many<T>(Vec<T>);

impl<T> Many<T> {
    /// The values, in their order.
    pub fn values(&self) -> &[T] {
        &self.0
    }
}

impl<T> FromIterator<T> for Many<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

/// A list that must not be empty.
impl<T: Param> Field for Many<T> {
    fn read(from: &Params, name: &str) -> Result<Self, Error> {
        Option::<Self>::read(from, name)?.ok_or_else(|| Error::missing_param(name, T::ACCEPTS))
    }

    fn describe(name: &'static str, doc: &'static str, to: &mut Parameters<'_>) {
        to.add::<Vec<T>>(name, doc, true);
    }

    fn list(&self, name: &'static str, to: &mut Given) {
        to.add(name, &self.0);
    }
}

impl<T: Param> Field for Option<Many<T>> {
    fn read(from: &Params, name: &str) -> Result<Self, Error> {
        let texts = from.list(name).flat_map(|value| value.split(',')).map(T::core);
        let parse = |text: &str| T::parse(text).ok_or_else(|| Error::invalid_param(name, text, T::ACCEPTS));
        let values: Vec<T> = texts.filter(|text| !text.is_empty()).map(parse).collect::<Result<_, _>>()?;
        Ok(if values.is_empty() { None } else { Some(Many(values)) })
    }

    fn describe(name: &'static str, doc: &'static str, to: &mut Parameters<'_>) {
        to.add::<Vec<T>>(name, doc, false);
    }

    fn list(&self, name: &'static str, to: &mut Given) {
        if let Some(values) = self {
            values.list(name, to);
        }
    }
}

//! The tables calls and enums are declared with.

/// Declares the parameters of a call, or of a part that several calls share: struct, decoding, description.
/// A type `Option<T>` or a default after `=` makes a parameter optional; `as "…"` gives its name on the wire
/// where that differs from the field's. A field whose type is itself such a table stands for all its parameters.
macro_rules! params {
    ($(#[$meta:meta])* $name:ident {
        $($(#[doc = $doc:literal])+ $field:ident $(as $wire:literal)? : $type:ty $(= $default:expr)?),* $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name { $($(#[doc = $doc])+ pub $field: $type),* }

        impl $crate::params::Field for $name {
            fn read(_from: &$crate::Params, _name: &str) -> Result<Self, error::Error> {
                Ok(Self { $($field: params!(@read _from, params!(@name $field $($wire)?), $type $(, $default)?)?),* })
            }

            fn describe(_name: &'static str, _doc: &'static str, _to: &mut $crate::spec::Parameters<'_>) {
                $(params!(@describe _to, params!(@name $field $($wire)?), concat!($($doc),+), $type $(, $default)?);)*
            }

            fn list(&self, _name: &'static str, _to: &mut $crate::Given) {
                $(params!(@list _to, params!(@name $field $($wire)?), self.$field, $type $(, $default)?);)*
            }
        }
    };
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $wire:literal) => { $wire };
    (@read $from:ident, $name:expr, $type:ty) => { <$type as $crate::params::Field>::read($from, $name) };
    (@read $from:ident, $name:expr, $type:ty, $default:expr) => {
        <Option<$type> as $crate::params::Field>::read($from, $name).map(|given| given.unwrap_or($default))
    };
    (@list $to:ident, $name:expr, $value:expr, $type:ty) => {
        <$type as $crate::params::Field>::list(&$value, $name, $to)
    };
    (@list $to:ident, $name:expr, $value:expr, $type:ty, $default:expr) => {{
        let start = $to.len();
        <$type as $crate::params::Field>::list(&$value, $name, $to);
        let mut without = $crate::Given::new("");
        <$type as $crate::params::Field>::list(&$default, $name, &mut without);
        $to.drop_default(start, &without);
    }};
    (@describe $to:ident, $name:expr, $doc:expr, $type:ty) => {
        <$type as $crate::params::Field>::describe($name, $doc, $to)
    };
    (@describe $to:ident, $name:expr, $doc:expr, $type:ty, $default:expr) => {
        $to.add_with_default::<$type>($name, $doc, &$default)
    };
}

/// Declares a group of calls. The doc line is the summary; names after `also` are further paths to the same call, those after
/// `safe` too, which look for an earlier call of unknown fate first. Then come the effect, `as` the scope, and `of` whose
/// sessions it is about, see [`Policy`](crate::Policy); `posted` makes it one that comes as POST only, `dials` one that
/// connects to what its caller names. A group `with id` gives all its calls the token of a session as their first parameter.
///
/// ```text
/// calls! {
///     /// Reads of the account.
///     AccountCall tagged "Account" with id {
///         /// Lists everything open, pending orders too.
///         OpenedOrders: read as read of session {
///             /// True begins with the oldest.
///             ascending: bool = false,
///         } -> Vec<Order>;
///     }
/// }
/// // makes: struct OpenedOrders · impl Call for it (NAME, NAMES, POLICY, Reply) · AccountCall::OpenedOrders
/// //        AccountCall::{decode, dispatch, describe}
/// ```
macro_rules! calls {
    ($(#[$meta:meta])* $group:ident tagged $tag:literal with id { $(
        $(#[doc = $doc:literal])+
        $call:ident $(also $($alias:ident),+)? $(safe $($safe:ident),+)?: $effect:ident as $scope:ident of $reach:ident $($mark:ident)*
            { $($fields:tt)* } -> $reply:ty;
    )+ }) => {
        calls! {
            $(#[$meta])* $group tagged $tag { $(
                $(#[doc = $doc])+ $call $(also $($alias),+)? $(safe $($safe),+)?: $effect as $scope of $reach $($mark)* {
                    /// Token of the session, as Connect has answered it.
                    id: $crate::Token,
                    $($fields)*
                } -> $reply;
            )+ }
        }
    };
    (@entry $name:ident $call:ident $is_safe:literal) => {
        $crate::CallEntry {
            name: stringify!($name),
            call: stringify!($call),
            is_safe: $is_safe,
            policy: <$call as $crate::Call>::POLICY,
        }
    };
    ($(#[$meta:meta])* $group:ident tagged $tag:literal { $(
        $(#[doc = $doc:literal])+
        $call:ident $(also $($alias:ident),+)? $(safe $($safe:ident),+)?: $effect:ident as $scope:ident of $reach:ident $($mark:ident)*
            { $($fields:tt)* } -> $reply:ty;
    )+ }) => {
        $(
            params! { $(#[doc = $doc])+ $call { $($fields)* } }

            impl $crate::Call for $call {
                const NAME: &'static str = stringify!($call);
                const NAMES: &'static [&'static str] =
                    &[stringify!($call) $($(, stringify!($alias))+)? $($(, stringify!($safe))+)?];
                const TAG: &'static str = $tag;
                const POLICY: $crate::Policy = policy!($effect $scope $reach $($mark)*);
                const ENTRY: &'static $crate::CallEntry = &calls!(@entry $call $call false);
                const SUMMARY: &'static str = concat!($($doc),+);
                type Reply = $reply;
                type About<Session> = policy!(@about $reach $scope Session);

                fn about<H: $crate::Host>(&self, host: &H) -> Result<Self::About<H::Session>, error::Error> {
                    let _call = self;
                    policy!(@find $reach host _call)
                }
            }
        )+

        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        #[allow(clippy::large_enum_variant, reason = "one value per call in flight; a box each would cost more")]
        pub enum $group { $($(#[doc = $doc])+ $call($call)),+ }

        impl $group {
            /// Every name of its calls.
            pub const ENTRIES: &'static [$crate::CallEntry] = &[$(
                calls!(@entry $call $call false),
                $($(calls!(@entry $alias $call false),)+)?
                $($(calls!(@entry $safe $call true),)+)?
            )+];

            /// Reads the parameters of a call; `None` when it is not of this group.
            pub fn decode(id: $crate::CallId, params: &$crate::Params) -> Option<Result<Self, error::Error>> {
                match id.call() {
                    $(stringify!($call) => {
                        Some(<$call as $crate::Call>::decode(params).map(Self::$call))
                    })+
                    _ => None,
                }
            }

            /// What the call was given.
            pub fn given(&self) -> $crate::Given {
                match self { $(Self::$call(call) => {
                    let mut given = $crate::Given::new(stringify!($call));
                    $crate::params::Field::list(call, "", &mut given);
                    given
                }),+ }
            }

            /// Hands the call to the handler written for its type and encodes the reply.
            pub async fn dispatch<H>(self, handler: &H) -> Result<$crate::Payload, error::Error>
            where $(H: $crate::Handle<$call>),+
            {
                match self { $(Self::$call(call) => {
                    let about = $crate::Call::about(&call, handler)?;
                    <$call as $crate::Call>::payload(&handler.handle(call, about).await?)
                }),+ }
            }

            /// Appends a description of every call of the group.
            pub fn describe(schemas: &mut schemars::SchemaGenerator, to: &mut Vec<$crate::CallSpec>) {
                $(to.push($crate::CallSpec::of::<$call>(schemas));)+
            }
        }
    };
}

/// Declares an enum of the interface: meaning, variant, name on the wire, perhaps another one that is read, number.
///
/// ```text
/// values! {
///     /// Which side of a deal.
///     Direction as "EnumDirection" { In = "In", 0; Out = "Out", 1; }
/// }
/// ```
macro_rules! values {
    ($(#[$meta:meta])* $name:ident as $schema:literal {
        $($(#[doc = $doc:literal])+ $value:ident = $wire:literal $(| $alias:literal)?, $number:literal;)+
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[doc = $doc])+ $value),+ }

        impl $name {
            /// Every value, in the published order.
            pub const ALL: &'static [Self] = &[$(Self::$value),+];

            /// The name on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$value => $wire),+ }
            }

            /// The number that queries accept for it.
            pub const fn number(self) -> i64 {
                match self { $(Self::$value => $number),+ }
            }

            /// The value with this number.
            pub const fn from_number(number: i64) -> Option<Self> {
                match number { $($number => Some(Self::$value),)+ _ => None }
            }

            /// The value with this name, in any case.
            pub fn from_name(name: &str) -> Option<Self> {
                $($(if name.eq_ignore_ascii_case($alias) {
                    return Some(Self::$value);
                })?)+
                Self::ALL.iter().copied().find(|value| value.as_str().eq_ignore_ascii_case(name))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $schema.into()
            }

            fn json_schema(_schemas: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $crate::spec::enum_schema(&[$(($wire, $number)),+])
            }
        }

        impl $crate::params::Param for $name {
            const ACCEPTS: &'static str = concat!("one of ", $($wire, $(" (", $alias, ")",)? ", ",)+ "or its number");

            fn parse(text: &str) -> Option<Self> {
                Self::from_name(text).or_else(|| Self::from_number(text.parse().ok()?))
            }
        }
    };
}

//! Calls the HTTP front answers by itself, without asking an owner of sessions.

use crate::reply::{Html, Text};

calls! {
    /// Calls the HTTP front answers by itself.
    FrontCall tagged "Service" {
        /// Answers OK while the service runs.
        Ping to read {} -> Text;

        /// Answers the version of the service.
        Version to read {} -> Text;

        /// Answers Healthy while the service runs.
        Health to read {} -> Text;

        /// Shows how to use the service, as a web page.
        ReadMe to read {} -> Html;
    }
}

//! Calls the HTTP front answers by itself, without asking an owner of sessions.

use crate::reply::{Html, Text};

calls! {
    /// Calls the HTTP front answers by itself.
    FrontCall tagged "Service" {
        /// Answers OK while the service runs.
        Ping: read as anyone of none {} -> Text;

        /// Answers the version of the service.
        Version: read as anyone of none {} -> Text;

        /// Answers Healthy while the service runs.
        Health: read as anyone of none {} -> Text;

        /// Answers a ticket that opens one WebSocket in place of a key, as its parameter streamTicket, within 30 seconds: for browsers.
        StreamTicket: change as stream of none posted {} -> Text;

        /// Shows how to use the service, as a web page.
        ReadMe: read as anyone of none {} -> Html;
    }
}

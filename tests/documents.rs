//! Documents that are made from declarations.

use calls::{CallId, Policy};
use error::{Code, Outcome};

/// Return codes of trade servers are below this.
const RETCODES_END: u32 = 20_000;

#[test]
fn the_error_catalogue_is_that_of_the_code() {
    let mut page = String::from(
        "# Error codes\n\nMade from `shared/error/src/codes.rs` by `cargo xtask golden`.\n\n\
         A refused call answers HTTP status 201 (or the one chosen with `errorReplyStatusCode`) and\n\
         `{\"message\", \"code\", \"stackTrace\"}`. Programs look at `code`; `message` is for people and says what to do. \
         The numbers\nare those by which trade servers say the same.\n\n\
         With `Accept: application/problem+json` it answers the status of the table and a body of RFC 9457 with `code`,\n\
         `retryable` (the same call may be made again, and may succeed then) and, for orders, `outcome`: `not_sent`,\n\
         `rejected`, `applied` or `unknown`; header `X-Outcome` says it in both modes. What may have been done is never\n\
         retryable. For orders the column names the outcomes after which the same order may be sent again; after any\n\
         other, look at the account first or repeat the call under its idempotency key.\n\n\
         Refusals of an order's volume, stops, price, expiration, margin or change carry the numbers by which it can be\n\
         mended: in the text of `message`, and as field `volume`, `stops`, `price`, `expiration`, `margin` or `freeze` of a\n\
         problem.\n\n\
         | Code | Status | Retryable: reads | Retryable: orders | Server's number | Meaning |\n\
         | --- | --- | --- | --- | --- | --- |\n",
    );
    for code in Code::ALL {
        let numbers: Vec<String> = (0..RETCODES_END)
            .filter(|n| Code::from_retcode(*n) == Some(*code))
            .map(|n| n.to_string())
            .collect();
        let (name, status, meaning) = (code.as_str(), code.http_status(), code.meaning());
        let reads = if code.is_retryable(None) { "yes" } else { "no" };
        let after = Outcome::ALL.into_iter().filter(|outcome| code.is_retryable(Some(*outcome)));
        let after: Vec<String> = after.map(|outcome| format!("`{}`", outcome.as_str())).collect();
        let orders = if after.is_empty() { "no".to_owned() } else { after.join(", ") };
        let numbers = numbers.join(", ");
        page.push_str(&format!("| `{name}` | {status} | {reads} | {orders} | {numbers} | {meaning} |\n"));
    }
    testkit::golden(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/errors.md"), &page);
}

#[test]
fn the_table_of_calls_is_that_of_the_code() {
    let mut page = String::from(
        "# What each call may do\n\nMade from the declarations in `shared/calls` by `cargo xtask golden`; `shared/calls/src/policy.rs` says what the\n\
         words mean. Who routes, repeats, drops, caches or authorises a call goes by these.\n\n\
         | Call | Further names | Safe names | Effect | Scope | Reach | |\n\
         | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for first in CallId::all().filter(|id| id.name() == id.call()) {
        let others = CallId::all().filter(|id| id.call() == first.call() && *id != first);
        let (safe, further): (Vec<_>, Vec<_>) = others.partition(|id| id.is_safe());
        let list = |ids: Vec<CallId>| ids.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
        let Policy { effect, scope, reach, posted, dials } = first.policy();
        let marks = [(posted, "POST only"), (dials, "connects to a host")];
        let marks: Vec<_> = marks.iter().filter(|(is_so, _)| *is_so).map(|(_, mark)| *mark).collect();
        page.push_str(&format!(
            "| `{first}` | {} | {} | {} | {} | {} | {} |\n",
            list(further),
            list(safe),
            effect.as_str(),
            scope.as_str(),
            reach.as_str(),
            marks.join(", "),
        ));
    }
    testkit::golden(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/calls.md"), &page);
}

#[test]
fn the_advice_of_the_readme_is_that_of_the_code() {
    let readme = include_str!("../README.md");
    let table = readme.split("<!-- failures -->").nth(1).unwrap().split("<!-- /failures -->").next().unwrap();
    let mut seen = 0;
    for row in table.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [codes, _, _, read, order] = cells[..] else { panic!("{row}") };
        for name in codes.split(',').map(|code| code.trim().trim_matches('`')) {
            let code = Code::from_name(name).unwrap_or_else(|| panic!("{name} is no code"));
            assert_eq!(read.starts_with("Again"), code.is_retryable(None), "{name}: a read");
            for outcome in Outcome::ALL {
                let is_named =
                    order.starts_with("Again") && order.contains(&format!("`{}`", outcome.as_str()));
                assert_eq!(is_named, code.is_retryable(Some(outcome)), "{name} after {}", outcome.as_str());
            }
            seen += 1;
        }
    }
    assert!(seen > 25, "{seen} codes");
}

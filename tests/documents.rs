//! Documents that are made from declarations.

use error::Code;

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
         `retryable` (the same call may be made again) and, for orders, `outcome`: `not_sent`, `rejected`, `applied` or\n\
         `unknown`. What may have been done is never retryable.\n\n\
         | Code | Status | Retryable | Server's number | Meaning |\n| --- | --- | --- | --- | --- |\n",
    );
    for code in Code::ALL {
        let numbers: Vec<String> = (0..RETCODES_END)
            .filter(|n| Code::from_retcode(*n) == Some(*code))
            .map(|n| n.to_string())
            .collect();
        let (name, status, meaning) = (code.as_str(), code.http_status(), code.meaning());
        let retryable = if code.is_retryable() { "yes" } else { "no" };
        let numbers = numbers.join(", ");
        page.push_str(&format!("| `{name}` | {status} | {retryable} | {numbers} | {meaning} |\n"));
    }
    testkit::golden(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/errors.md"), &page);
}

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
         | Code | Server's number | Meaning |\n| --- | --- | --- |\n",
    );
    for code in Code::ALL {
        let numbers: Vec<String> = (0..RETCODES_END)
            .filter(|n| Code::from_retcode(*n) == Some(*code))
            .map(|n| n.to_string())
            .collect();
        page.push_str(&format!("| `{}` | {} | {} |\n", code.as_str(), numbers.join(", "), code.meaning()));
    }
    testkit::golden(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/errors.md"), &page);
}

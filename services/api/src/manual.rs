//! The manual as a web page: what a user has to know, and every call from its declaration.

use std::fmt::Write;

use calls::{CallSpec, ReplyKind};

use crate::stream_page::escaped;

const HEAD: &str = include_str!("manual/head.html");
const GUIDE: &str = include_str!("manual/guide.html");

/// The name of a stream, and the fields of what it carries with their meanings.
type Stream = (String, Vec<(String, String)>);

/// Builds the page.
pub(crate) fn page(calls: &[CallSpec], streams: &[Stream], version: &str) -> String {
    let mut page = String::from(HEAD);
    push(&mut page, format_args!("<h1>mt5rest <small>{}</small></h1>\n", escaped(version)));
    page.push_str(GUIDE);
    page.push_str("<h2 id=\"payloads\">What streams carry</h2>\n");
    for (stream, fields) in streams {
        push_stream(&mut page, stream, fields);
    }
    page.push_str("<h2 id=\"calls\">Calls</h2>\n");
    let mut tag = "";
    for call in calls {
        if call.tag != tag {
            tag = call.tag;
            push(&mut page, format_args!("<h3>{tag}</h3>\n"));
        }
        push_call(&mut page, call);
    }
    page.push_str("</main></body></html>\n");
    page
}

fn push_stream(page: &mut String, stream: &str, fields: &[(String, String)]) {
    push(page, format_args!("<details><summary><code>/{stream}</code></summary>\n"));
    if fields.is_empty() {
        page.push_str("<p><code>data</code> is a list of tickets.</p>\n");
    } else {
        page.push_str("<table><tr><th>Field of <code>data</code><th>Meaning</tr>\n");
        for (field, meaning) in fields {
            push(page, format_args!("<tr><td><code>{field}</code><td>{}</tr>\n", escaped(meaning)));
        }
        page.push_str("</table>\n");
    }
    page.push_str("</details>\n");
}

fn push_call(page: &mut String, call: &CallSpec) {
    let paths: Vec<String> = call.names.iter().map(|name| format!("<code>/{name}</code>")).collect();
    let answers = match call.kind {
        ReplyKind::Text => "a text",
        ReplyKind::Json => "JSON",
        ReplyKind::Html => "a web page",
    };
    push(
        page,
        format_args!("<details><summary>{} — {}</summary>\n", paths.join(", "), escaped(call.summary)),
    );
    push(page, format_args!("<p>Answers {answers}.</p>\n"));
    if !call.params.is_empty() {
        page.push_str("<table><tr><th>Parameter<th>Meaning</tr>\n");
    }
    for param in &call.params {
        let need = if param.required { " <b title=\"required\">*</b>" } else { "" };
        let default = match param.schema.get("default") {
            Some(value) => format!(" Default: {}.", escaped(value.to_string().trim_matches('"'))),
            None => String::new(),
        };
        let doc = escaped(param.doc);
        push(page, format_args!("<tr><td><code>{}</code>{need}<td>{doc}{default}</tr>\n", param.name));
    }
    if !call.params.is_empty() {
        page.push_str("</table>\n");
    }
    page.push_str("</details>\n");
}

fn push(page: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = page.write_fmt(text);
}

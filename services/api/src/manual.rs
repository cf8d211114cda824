//! The manual as a web page: what a user has to know, and every call from its declaration.

use std::fmt::Write;

use calls::{CallSpec, ReplyKind};

use crate::stream_page::escaped;

const HEAD: &str = include_str!("manual/head.html");
const GUIDE: &str = include_str!("manual/guide.html");

/// Builds the page.
pub(crate) fn page(calls: &[CallSpec], version: &str) -> String {
    let mut page = String::from(HEAD);
    push(&mut page, format_args!("<h1>mt5rest <small>{}</small></h1>\n", escaped(version)));
    page.push_str(GUIDE);
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

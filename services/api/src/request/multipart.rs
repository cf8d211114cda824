//! Bodies in parts, as web forms with files are sent.

use std::convert::Infallible;

use axum::http::StatusCode;
use bytes::Bytes;
use calls::{Params, Upload};
use error::{Code, Error};
use futures_util::stream;
use multer::Multipart;

use super::{Refusal, unreadable};

/// Parts of a body: some thousand tokens to keep, and no more than that, since each part costs more than its bytes.
const PARTS_MAX: usize = 10_000;

/// The parameters of a body that is whole in memory. Files, told by a file name or by a declared name, become Base64.
pub(super) async fn params(kind: &str, bytes: Bytes, files: &[&str]) -> Result<Params, Refusal> {
    let boundary = multer::parse_boundary(kind).map_err(|reason| refused(&reason))?;
    let whole = stream::once(async { Ok::<_, Infallible>(bytes) });
    let mut parts = Multipart::new(whole, boundary);
    let mut params = Params::new();
    let mut count = 0;
    while let Some(part) = parts.next_field().await.map_err(|reason| refused(&reason))? {
        count += 1;
        if count > PARTS_MAX {
            return Err(unreadable(format!("The body may have {PARTS_MAX} parts at most.")));
        }
        let Some(name) = part.name().map(str::to_owned) else {
            return Err(unreadable("Every part of the body needs a name in its Content-Disposition."));
        };
        let is_file = part.file_name().is_some() || files.iter().any(|file| file.eq_ignore_ascii_case(&name));
        let value = part.bytes().await.map_err(|reason| refused(&reason))?;
        let value = if is_file { Upload::text_of(&value) } else { text(&name, &value)? };
        params.push(name, value);
    }
    Ok(params)
}

fn text(name: &str, value: &[u8]) -> Result<String, Refusal> {
    std::str::from_utf8(value).map(str::to_owned).map_err(|_| {
        let error = Error::invalid_param(name, "binary data", "a text in UTF-8; a file needs a file name");
        (StatusCode::BAD_REQUEST, error)
    })
}

/// What to do about a body that cannot be taken apart.
fn refused(reason: &multer::Error) -> Refusal {
    match reason {
        multer::Error::NoMultipart | multer::Error::DecodeContentType(_) => {
            let text = "Of the multipart types only multipart/form-data is understood.";
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, Error::new(Code::InvalidData, text))
        }
        multer::Error::NoBoundary => {
            unreadable("The Content-Type names no boundary: let the HTTP library write that header.")
        }
        multer::Error::IncompleteStream
        | multer::Error::IncompleteHeaders
        | multer::Error::IncompleteFieldData { .. } => {
            unreadable("The body ends before its last boundary: it was cut off, or its boundary is another.")
        }
        other => {
            let (status, error) = unreadable("A part of the body has headers that cannot be read.");
            (status, error.because(other))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: &str = "multipart/form-data; boundary=X";

    async fn read(kind: &str, body: &str) -> Result<Params, (StatusCode, String)> {
        let body = Bytes::from(body.replace('\n', "\r\n"));
        let read = params(kind, body, &["pfxFile"]).await;
        read.map_err(|(status, error)| (status, error.detail().to_owned()))
    }

    #[tokio::test]
    async fn texts_stay_and_files_become_base64() {
        let body = "--X\nContent-Disposition: form-data; name=\"user\"\n\n5\n\
                    --X\nContent-Disposition: form-data; name=\"PfxFile\"\n\nab\n\
                    --X\nContent-Disposition: form-data; name=\"other\"; filename=\"a.bin\"\n\
                    Content-Type: application/octet-stream\n\nc\n--X--\n";
        let params = read(KIND, body).await.unwrap();
        assert_eq!(
            params.pairs().collect::<Vec<_>>(),
            [("user", "5"), ("PfxFile", "YWI="), ("other", "Yw==")]
        );
        let empty = "--X\nContent-Disposition: form-data; name=\"pfxFile\"; filename=\"\"\n\n\n--X--\n";
        assert_eq!(read(KIND, empty).await.unwrap().get("pfxFile"), None, "a form without a file chosen");
        assert_eq!(read(KIND, "--X--\n").await.unwrap().pairs().count(), 0);
    }

    #[tokio::test]
    async fn broken_bodies_say_what_is_wrong() {
        let part = "--X\nContent-Disposition: form-data; name=\"a\"\n\n1\n";
        let unnamed = "--X\nContent-Disposition: form-data\n\n1\n--X--\n";
        let cases = [
            ("multipart/form-data", part, 400, "no boundary"),
            ("multipart/mixed; boundary=X", part, 415, "multipart/form-data"),
            (KIND, part, 400, "before its last boundary"),
            (KIND, "", 400, "before its last boundary"),
            (KIND, "--X\nContent-Disposition", 400, "before its last boundary"),
            (KIND, unnamed, 400, "needs a name"),
            (KIND, "--X\nno header\n\n1\n--X--\n", 400, "headers"),
        ];
        for (kind, body, status, told) in cases {
            let (given, detail) = read(kind, body).await.unwrap_err();
            assert_eq!(given.as_u16(), status, "{kind} {body:?} {detail}");
            assert!(detail.contains(told), "{body:?}: {detail}");
        }
    }

    #[tokio::test]
    async fn a_part_that_is_no_text_needs_a_file_name() {
        let body = b"--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\xff\r\n--X--\r\n";
        let (status, error) = params(KIND, Bytes::from_static(body), &[]).await.unwrap_err();
        assert_eq!((status, error.code()), (StatusCode::BAD_REQUEST, Code::InvalidParam));
    }

    #[tokio::test]
    async fn there_may_be_many_parts_but_not_too_many() {
        let part = "--X\nContent-Disposition: form-data; name=\"ids\"\n\n1\n";
        let body = |count: usize| format!("{}--X--\n", part.repeat(count));
        assert_eq!(read(KIND, &body(PARTS_MAX)).await.unwrap().list("ids").count(), PARTS_MAX);
        assert!(read(KIND, &body(PARTS_MAX + 1)).await.unwrap_err().1.contains("10000 parts"));
    }
}

//! Bodies as clients send them: `aws-chunked` framing taken off, checksums of headers and trailers verified.
//!
//! Called by `wire` for every call with a body. Must never take a checksum that it did not compute itself.

use super::AwsError;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::HeaderMap;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

const CHECKSUM: &str = "x-amz-checksum-";

/// A body without its framing.
pub(super) struct Body {
    /// What the client means to send.
    pub(super) bytes: Bytes,
    /// Its checksum header, if there is one: name and value, verified.
    pub(super) checksum: Option<(String, String)>,
}

/// Takes the framing off and verifies what can be verified.
pub(super) fn read(headers: &HeaderMap, sent: &Bytes) -> Result<Body, AwsError> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let signed = header("x-amz-content-sha256").unwrap_or_default();
    let chunked = signed.starts_with("STREAMING-")
        || header("content-encoding").is_some_and(|encodings| encodings.split(',').any(|e| e.trim() == "aws-chunked"));
    let (bytes, trailers) = if chunked { unframed(sent)? } else { (sent.clone(), BTreeMap::new()) };
    if let Some(length) = header("x-amz-decoded-content-length").filter(|_| chunked)
        && length.parse() != Ok(bytes.len())
    {
        return Err(AwsError::new("IncompleteBody", "The body has another length than x-amz-decoded-content-length"));
    }
    let is_digest = signed.len() == 64 && signed.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_digest && signed != hex::encode(Sha256::digest(&bytes)) {
        return Err(AwsError::new(
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        ));
    }
    let in_headers =
        headers.iter().filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())));
    let given = in_headers.chain(trailers).find(|(name, _)| {
        name.starts_with(CHECKSUM) && !matches!(&name[CHECKSUM.len()..], "mode" | "type" | "algorithm")
    });
    if let Some((name, value)) = &given {
        let computed = computed(&name[CHECKSUM.len()..], &bytes).ok_or_else(|| {
            AwsError::new("InvalidRequest", format!("the rsds sandbox does not implement the checksum {name}"))
        })?;
        if computed != *value {
            return Err(AwsError::new(
                "BadDigest",
                format!("The {name} you specified did not match what we received."),
            ));
        }
    }
    Ok(Body { bytes, checksum: given })
}

fn computed(algorithm: &str, bytes: &[u8]) -> Option<String> {
    // Reflected polynomials.
    let crc = |polynomial: u64, width: u32| {
        let mask = u64::MAX >> (64 - width);
        let value = bytes.iter().fold(mask, |crc, byte| {
            (0..8).fold(crc ^ u64::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ polynomial } else { crc >> 1 })
        });
        let big_endian = (value ^ mask).to_be_bytes();
        big_endian[8 - width as usize / 8..].to_vec()
    };
    let digest = match algorithm {
        "crc32" => crc(0xedb8_8320, 32),
        "crc32c" => crc(0x82f6_3b78, 32),
        "crc64nvme" => crc(0x9a6c_9329_ac4b_c9b5, 64),
        "sha256" => Sha256::digest(bytes).to_vec(),
        _ => return None,
    };
    Some(STANDARD.encode(digest))
}

type Trailers = BTreeMap<String, String>;

/// Joins `size[;chunk-signature=...]` chunks; what follows the empty one are trailers.
fn unframed(sent: &Bytes) -> Result<(Bytes, Trailers), AwsError> {
    let broken = || AwsError::new("IncompleteBody", "The aws-chunked body is not well framed");
    let mut rest: &[u8] = sent;
    let mut bytes = Vec::new();
    loop {
        let (head, after) = line(rest).ok_or_else(broken)?;
        let size = head.split(';').next().and_then(|size| usize::from_str_radix(size, 16).ok()).ok_or_else(broken)?;
        if size == 0 {
            rest = after;
            break;
        }
        let chunk = after.get(..size).ok_or_else(broken)?;
        bytes.extend_from_slice(chunk);
        rest = after[size..].strip_prefix(b"\r\n").ok_or_else(broken)?;
    }
    let mut trailers = Trailers::new();
    while let Some((text, after)) = line(rest).filter(|(text, _)| !text.is_empty()) {
        let (name, value) = text.split_once(':').ok_or_else(broken)?;
        trailers.insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
        rest = after;
    }
    Ok((bytes.into(), trailers))
}

fn line(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.windows(2).position(|pair| pair == b"\r\n")?;
    Some((std::str::from_utf8(&bytes[..end]).ok()?, &bytes[end + 2..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    // The check values of the algorithms' own specifications, over "123456789".
    #[test]
    fn checksums_are_the_ones_that_clients_compute() {
        for (algorithm, expected) in [
            ("crc32", STANDARD.encode(0xcbf4_3926_u32.to_be_bytes())),
            ("crc32c", STANDARD.encode(0xe306_9283_u32.to_be_bytes())),
            ("crc64nvme", STANDARD.encode(0xae8b_1486_0a79_9888_u64.to_be_bytes())),
        ] {
            assert_eq!(computed(algorithm, b"123456789").as_deref(), Some(expected.as_str()), "{algorithm}");
        }
        assert_eq!(computed("sha1", b""), None);
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_str(value).unwrap())).collect()
    }

    #[test]
    fn a_chunked_body_is_joined_and_its_trailer_is_verified() {
        let crc = computed("crc32", b"hello world").unwrap();
        let framed = |crc: &str| {
            Bytes::from(format!(
                "5;chunk-signature=0\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32:{crc}\r\n\r\n"
            ))
        };
        let chunked = headers(&[("content-encoding", "aws-chunked"), ("x-amz-decoded-content-length", "11")]);
        let body = read(&chunked, &framed(&crc)).unwrap();
        assert_eq!(&body.bytes[..], b"hello world");
        assert_eq!(body.checksum, Some(("x-amz-checksum-crc32".to_owned(), crc.clone())));
        let refused = |headers: &HeaderMap, sent: &Bytes| read(headers, sent).err().map(|error| error.code);
        assert_eq!(refused(&chunked, &framed("AAAAAA==")).as_deref(), Some("BadDigest"));
        let cut = Bytes::from_static(b"5\r\nhel");
        assert_eq!(refused(&chunked, &cut).as_deref(), Some("IncompleteBody"));
        let longer = headers(&[("content-encoding", "aws-chunked"), ("x-amz-decoded-content-length", "12")]);
        assert_eq!(refused(&longer, &framed(&crc)).as_deref(), Some("IncompleteBody"));
        let plain = headers(&[("x-amz-content-sha256", &"0".repeat(64))]);
        assert_eq!(refused(&plain, &cut).as_deref(), Some("XAmzContentSHA256Mismatch"));
    }
}

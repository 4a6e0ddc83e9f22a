//! What an error in CBOR says: CloudWatch's clients speak RPC v2, in which no text can be looked for.
//!
//! Read by `fault` alone. Must never fail: what is no map of texts says nothing.

use minicbor::{Decoder, data::Type, decode::Error};
use std::collections::BTreeMap;

/// Returns the members of a map that are texts; none where the body is something else.
pub(super) fn texts(body: &[u8]) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    // What was read before an end that is missing still says what it says.
    drop(read(&mut Decoder::new(body), &mut texts));
    texts
}

fn read(from: &mut Decoder<'_>, texts: &mut BTreeMap<String, String>) -> Result<(), Error> {
    let mut left = from.map()?;
    while left != Some(0) && from.datatype()? != Type::Break {
        let name = from.str()?.to_owned();
        if from.datatype()? == Type::String {
            texts.insert(name, from.str()?.to_owned());
        } else {
            from.skip()?;
        }
        left = left.map(|left| left - 1);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::texts;
    use minicbor::Encoder;

    #[test]
    fn members_that_are_texts_are_read_and_all_else_says_nothing() {
        let mut body = Vec::new();
        let mut to = Encoder::new(&mut body);
        to.begin_map().unwrap().str("__type").unwrap().str("aws#LimitExceeded").unwrap();
        to.str("retry").unwrap().array(1).unwrap().u8(3).unwrap();
        to.str("message").unwrap().str("too many").unwrap().end().unwrap();
        let read = texts(&body);
        assert_eq!(
            (read["__type"].as_str(), read["message"].as_str(), read.len()),
            ("aws#LimitExceeded", "too many", 2)
        );
        assert_eq!(texts(&body[..26])["__type"], "aws#LimitExceeded");
        assert!(texts(b"<html>").is_empty() && texts(b"").is_empty());
    }
}

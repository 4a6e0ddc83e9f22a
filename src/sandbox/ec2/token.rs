//! Client tokens: the same token with the same parameters gives the same object.
//!
//! Called by the creates that take a `ClientToken` (route table, endpoint). It must never keep the parameters
//! themselves, only their digest.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{AwsError, Ec2, Request, invalid};

/// The longest client token, in characters.
const LENGTH: usize = 64;

/// A client token that has made an object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Token {
    /// The object made.
    pub id: String,
    /// Hexadecimal SHA-256 of the parameters it was made with.
    pub digest: String,
}

/// The token of one call, to be stored once its object exists.
pub(super) struct Given {
    key: String,
    digest: String,
    /// The token as the client sent it.
    pub(super) text: String,
}

/// Reads the client token of a call; with it comes the id of the object it has already made, if any.
pub(super) fn given(ec2: &Ec2, req: &Request) -> Result<Option<(Given, Option<String>)>, AwsError> {
    let Some(text) = req.opt_text("ClientToken")? else {
        return Ok(None);
    };
    if !text.is_ascii() || text.len() > LENGTH {
        return Err(invalid(format!("A client token has at most {LENGTH} ASCII characters")));
    }
    let key = format!("{}/{text}", req.operation);
    let digest = digest(&req.params);
    let made = match ec2.tokens.get(&key) {
        None => None,
        Some(token) if token.digest == digest => Some(token.id.clone()),
        Some(_) => {
            return Err(AwsError::new(
                "IdempotentParameterMismatch",
                format!("The client token '{text}' was used before with different request parameters"),
            ));
        }
    };
    Ok(Some((Given { key, digest, text }, made)))
}

impl Given {
    /// Remembers that this token has made the object `id`.
    pub(super) fn made(&self, ec2: &mut Ec2, id: &str) {
        let token = Token { id: id.to_owned(), digest: self.digest.clone() };
        ec2.tokens.insert(self.key.clone(), token);
    }
}

fn digest(params: &Value) -> String {
    hex::encode(Sha256::digest(params.to_string().as_bytes()))
}

//! Credentials that are missing, unknown or expired, against the sandbox on a port: refused before anything happens.

use super::{
    life::{Served, serve},
    *,
};

type Credentials<'a> = &'a [(&'static str, &'a str)];

/// A folder that goes to the served AWS with these credentials.
fn client(served: &Served, credentials: Credentials) -> Folder {
    let mut folder = Folder::new(SMALL);
    folder.variables.insert("AWS_ENDPOINT_URL", served.url.clone());
    folder.variables.extend(credentials.iter().map(|(name, value)| (*name, (*value).to_owned())));
    folder
}

#[test]
fn who_is_not_let_in_changes_nothing() {
    let served = serve();
    let known = ("AWS_ACCESS_KEY_ID", rsds::sandbox::ACCESS_KEY_ID);
    let secret = ("AWS_SECRET_ACCESS_KEY", "whatever");
    let refused: [(Credentials, &str, &str); 3] = [
        (&[], "NoCredentials", "or try the built-in AWS: --sandbox"),
        (
            &[("AWS_ACCESS_KEY_ID", "AKIANOBODY"), secret],
            "InvalidClientTokenId",
            "AWS does not accept these credentials",
        ),
        (&[known, secret, ("AWS_SESSION_TOKEN", "expired")], "ExpiredToken", "the credentials have expired"),
    ];
    for (credentials, code, help) in refused {
        let folder = client(&served, credentials);
        let before = folder.files();
        for command in [&["plan"][..], &["apply", "--auto-approve"], &["destroy", "--auto-approve"]] {
            let ran = folder.rsds(&[command]).exits(1).says("error: sts:GetCallerIdentity").says(code).says(help);
            assert!(!ran.err.contains("whatever"), "a secret: {ran}");
        }
        assert!(folder.files() == before);
    }
    let mut nowhere = client(&served, &[known, secret]);
    // The port of nobody: reserved, and never listened on.
    nowhere.variables.insert("AWS_ENDPOINT_URL", "http://127.0.0.1:1".to_owned());
    nowhere.rsds(&[&["plan"]]).exits(1).says("check the network, AWS_ENDPOINT_URL and the region");
    assert!(!served.folder.path(".rsds/sandbox/world.json").exists(), "no call changed anything");
}

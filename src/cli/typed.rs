//! What was typed: the command that goes on, or that shows more than this form did.
//!
//! Called by `change`, `context` and `saved`. Must never guess what was meant: the words are the user's own.

/// What was typed, as far as it is text.
pub(super) fn arguments() -> impl Iterator<Item = String> {
    std::env::args_os().map(|argument| argument.to_string_lossy().into_owned())
}

/// The command that goes on: the same one, for another folder, target or `--set` would be about something else.
pub(super) fn again(arguments: impl Iterator<Item = String>, environment: &str) -> String {
    let mut words = vec!["rsds".to_owned()];
    words.extend(arguments.map(|argument| quoted(&argument)));
    if !environment.is_empty() && !words.iter().any(|word| word == "--env" || word.starts_with("--env=")) {
        words.extend(["--env".to_owned(), environment.to_owned()]);
    }
    words.join(" ")
}

/// An argument as a shell takes it back.
pub(super) fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,=@%+".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        return argument.to_owned();
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
}

/// What was typed, but for the flags that ask for a form.
pub(super) fn without_format(words: impl Iterator<Item = String>) -> impl Iterator<Item = String> {
    let mut takes_value = false;
    words.filter(move |word| {
        let is_value = std::mem::replace(&mut takes_value, word == "--format");
        !is_value && word != "--json" && word != "--format" && !word.starts_with("--format=")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_that_goes_on_is_the_same_one() {
        let typed = ["apply", "-C", "my estates", "--set", "tags.who=it's \"me\"", "--target", "consumer-*"];
        let typed = || typed.iter().map(|word| (*word).to_owned());
        let expected = r#"rsds apply -C 'my estates' --set 'tags.who=it'\''s "me"' --target 'consumer-*' --env dev"#;
        assert_eq!(again(typed(), "dev"), expected);
        let named = ["destroy", "--env=prod"].map(str::to_owned);
        assert_eq!(again(named.into_iter(), "prod"), "rsds destroy --env=prod");
        let formed = ["plan", "--json", "--format", "markdown", "--format=json", "--target", "x"].map(str::to_owned);
        assert_eq!(again(without_format(formed.into_iter()), ""), "rsds plan --target x");
    }
}

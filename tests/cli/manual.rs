//! What shells and readers of manuals get: completion scripts that shells take, and a page for every command.

use super::*;

#[test]
fn bash_completes_commands_and_values() {
    let folder = Folder::new(SMALL);
    let script = folder.rsds(&[&["completions", "bash"]]).exits(0).out;
    folder.write("rsds.bash", &script);
    let completed = |words: &str, number: usize, last: &str| {
        let line = format!(
            "source ./rsds.bash; COMP_WORDS=({words}); COMP_CWORD={number}; _rsds rsds '{last}'; echo ${{COMPREPLY[*]}}"
        );
        let output = folder.command("/bin/bash").args(["-c", &line]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(completed("rsds val", 1, "val"), "validate\n");
    assert_eq!(completed("rsds completions z", 2, "z"), "zsh\n");
    assert!(completed("rsds plan --", 2, "--").contains("--detailed-exitcode"));
}

#[test]
fn every_shell_gets_a_script() {
    let folder = Folder::new(SMALL);
    for (shell, begins) in [("zsh", "#compdef rsds"), ("fish", "# Print"), ("powershell", ""), ("elvish", "")] {
        let script = folder.rsds(&[&["completions", shell]]).exits(0);
        assert!(script.out.starts_with(begins) && script.out.contains("validate"), "{shell}: {script}");
    }
    folder.rsds(&[&["completions", "tcsh"]]).exits(1).says("possible values: bash, elvish, fish, powershell, zsh");
}

#[test]
fn the_manual_has_a_page_for_every_command() {
    let folder = Folder::new(SMALL);
    folder.rsds(&[&["man"]]).exits(0).prints(".TH rsds 1").prints("rsds\\-plan(1)").prints("partly applied");
    folder.rsds(&[&["man", "--out-dir", "pages"]]).exits(0).says("read one: man -l pages/rsds.1");
    let pages: Vec<PathBuf> =
        folder.files().into_keys().filter(|path| path.extension().is_some_and(|e| e == "1")).collect();
    assert!(pages.contains(&folder.path("pages/rsds-state-list.1")), "{pages:?}");
    let page = fs::read_to_string(folder.path("pages/rsds-plan.1")).unwrap();
    assert!(page.contains("detailed\\-exitcode") && !page.contains("sandbox\\-speed"), "{page}");
    folder.write("file", "");
    folder.rsds(&[&["man", "--out-dir", "file"]]).exits(1).says("cannot write the manual into file");
}

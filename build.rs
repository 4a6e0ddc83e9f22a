//! Links the released program to a fixed address, as Go links Terraform: nothing is relocated when it starts, so that two
//! MiB of tables and of pointers are neither read nor copied. Must never touch anything else.

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script by the environment alone")]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| std::env::var(name).as_deref() == Ok(value);
    if is("PROFILE", "release") && is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        println!("cargo::rustc-link-arg-bin=rsds=-no-pie");
    }
}

//! The one integration binary: behaviour through the library and the public CLI, against the sandbox in virtual time.

mod harness;
mod story;

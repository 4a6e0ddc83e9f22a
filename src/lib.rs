//! rsds
pub mod address;
pub mod apply;
pub mod aws;
pub mod clock;
pub mod config;
pub mod failure;
pub mod kind;
pub mod plan;
pub mod sandbox;
pub mod session;
pub mod stack;
pub mod state;
pub mod ui;

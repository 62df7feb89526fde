//! Safe bindings of libmonoforward, which trains neural networks without backpropagation: every layer learns
//! from its own loss.
//!
//! The C library counts references, so that a layer can sit in several networks. Here everything has one
//! owner instead: a [`Network`] takes its layers and its [`Optimizer`]. That is what makes it safe to send a
//! network to another thread, or to predict with it from many threads at once, each with a [`Workspace`] of
//! its own.
//!
//! Slices are handed over without a copy, and their lengths are checked. A batch has as many rows as it has
//! labels.
//!
//! SPDX-License-Identifier: MIT

#[allow(dead_code, non_camel_case_types)]
pub mod abi;
mod builder;
mod error;
mod layer;
mod matrix;
mod network;
mod optimizer;
mod pipeline;
mod workspace;

pub use builder::Builder;
pub use error::{Error, Result};
pub use layer::Layer;
pub use matrix::Matrix;
pub use network::{Mode, Network, Top};
pub use optimizer::Optimizer;
pub use pipeline::{Pipeline, PipelineReport};
pub use workspace::{Report, Workspace};

use std::ffi::CStr;

/// Version of the library that runs.
pub fn version() -> &'static str {
    // SAFETY: the text is static.
    unsafe { CStr::from_ptr(abi::mf_version()) }
        .to_str()
        .unwrap_or("?")
}

/// Sets the BLAS library to one thread, for the whole process: what is right beside a [`Pipeline`]. A library
/// without threads has one as it is.
pub fn one_blas_thread() -> Result<()> {
    // SAFETY: a number is all it takes.
    match error::check(unsafe { abi::mf_blas_set_threads(1) }) {
        Err(failure) if failure.status() == abi::MF_STATUS_UNSUPPORTED => Ok(()),
        other => other,
    }
}

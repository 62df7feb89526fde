use crate::abi;
use crate::error::{check, Result};
use crate::Network;
use std::mem::{size_of, MaybeUninit};
use std::ptr;

/// What a layer did in the last call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Report {
    pub rows: u64,
    pub correct: u64,
    pub loss: f64,
    /// Batches the layer has learned from.
    pub applied: u64,
}

/// The scratch memory and the reports for one network.
#[derive(Debug)]
pub struct Workspace {
    pub(crate) handle: *mut abi::mf_workspace,
}

// SAFETY: what a workspace shares with its network is a reference count, which is atomic.
unsafe impl Send for Workspace {}
// SAFETY: a shared reference reads reports only.
unsafe impl Sync for Workspace {}

impl Workspace {
    /// Scratch memory for batches of up to `max_batch` rows.
    pub fn new(network: &Network, max_batch: usize) -> Result<Self> {
        let mut spec = MaybeUninit::uninit();
        let mut handle = ptr::null_mut();
        // SAFETY: init fills every field, or fails.
        unsafe {
            check(abi::mf_workspace_spec_init(
                spec.as_mut_ptr(),
                size_of::<abi::mf_workspace_spec>(),
            ))?;
            let mut spec = spec.assume_init();
            spec.network = network.handle;
            spec.max_batch = max_batch;
            check(abi::mf_workspace_create(&spec, &mut handle))?;
        }
        Ok(Workspace { handle })
    }

    /// What the layer at a position did.
    pub fn report(&self, position: usize) -> Result<Report> {
        // SAFETY: the handle lives, and the report has room.
        self.read(|report| unsafe { abi::mf_workspace_report(self.handle, position, report) })
    }

    /// How the sum of all layers did in the last evaluation.
    pub fn report_sum(&self) -> Result<Report> {
        // SAFETY: the handle lives, and the report has room.
        self.read(|report| unsafe { abi::mf_workspace_report_sum(self.handle, report) })
    }

    fn read(&self, fill: impl FnOnce(&mut abi::mf_report) -> i32) -> Result<Report> {
        // SAFETY: a struct of numbers, which may all be 0.
        let mut report: abi::mf_report = unsafe { MaybeUninit::zeroed().assume_init() };
        report.struct_size = size_of::<abi::mf_report>() as u32;
        check(fill(&mut report))?;
        Ok(Report {
            rows: report.rows,
            correct: report.correct,
            loss: report.loss,
            applied: report.applied,
        })
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        // SAFETY: the one free of the one create.
        unsafe { abi::mf_workspace_free(self.handle) }
    }
}

use crate::abi;
use crate::error::{check, Result};
use crate::Network;
use std::any::Any;
use std::cell::RefCell;
use std::mem::{size_of, MaybeUninit};
use std::os::raw::c_void;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::ptr;

/// What one layer did with one batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PipelineReport {
    pub status: i32,
    pub batch: u64,
    pub position: u64,
    pub rows: u64,
    pub correct: u64,
    pub loss: f64,
}

// What C knows by an address, which must not move.
struct Listener<'a> {
    on_report: &'a mut dyn FnMut(&PipelineReport) -> bool,
    panic: Option<Box<dyn Any + Send>>,
    broken: bool,
}

/// A pipeline at work: see [`Network::pipeline`], which lends it. It cannot be kept, so its workers end
/// before the network is used by others; and it stays on its thread.
pub struct Pipeline<'a> {
    handle: *mut abi::mf_pipeline,
    network: &'a mut Network,
    // A RefCell is at the address of its content, which only calls of this pipeline touch.
    listener: Box<RefCell<Listener<'a>>>,
}

impl<'a> Pipeline<'a> {
    pub(crate) fn new(
        network: &'a mut Network,
        workers: u32,
        max_batch: usize,
        on_report: &'a mut dyn FnMut(&PipelineReport) -> bool,
    ) -> Result<Self> {
        let listener = Box::new(RefCell::new(Listener {
            on_report,
            panic: None,
            broken: false,
        }));
        let mut spec = MaybeUninit::uninit();
        let mut handle = ptr::null_mut();
        // SAFETY: init fills every field, or fails; the listener outlives the handle, which Drop frees first.
        unsafe {
            check(abi::mf_pipeline_spec_init(
                spec.as_mut_ptr(),
                size_of::<abi::mf_pipeline_spec>(),
            ))?;
            let mut spec: abi::mf_pipeline_spec = spec.assume_init();
            spec.network = network.handle;
            spec.workers = workers;
            spec.max_batch = max_batch;
            spec.on_report = Some(hand_over);
            spec.user = &*listener as *const RefCell<Listener<'a>> as *mut c_void;
            check(abi::mf_pipeline_create(&spec, &mut handle))?;
        }
        Ok(Pipeline {
            handle,
            network,
            listener,
        })
    }

    /// Gives the next batch to the workers, which copy it.
    pub fn submit(&self, x: &[f32], labels: &[i32]) -> Result<()> {
        let rows = self.network.labelled_rows(x, labels)?;
        // SAFETY: as many values as the library reads.
        self.settle(unsafe {
            abi::mf_pipeline_submit(self.handle, rows, x.as_ptr(), labels.as_ptr())
        })
    }

    /// Waits until every batch has been learned.
    pub fn flush(&self) -> Result<()> {
        // SAFETY: the handle lives.
        self.settle(unsafe { abi::mf_pipeline_flush(self.handle) })
    }

    // A panic of the callback goes on here, with the library's frames behind it.
    fn settle(&self, status: i32) -> Result<()> {
        let result = check(status);
        let panic = self.listener.borrow_mut().panic.take();
        match panic {
            Some(payload) => resume_unwind(payload),
            None => result,
        }
    }
}

impl Drop for Pipeline<'_> {
    fn drop(&mut self) {
        // SAFETY: the one free of the one create; it waits for the workers.
        unsafe { abi::mf_pipeline_free(self.handle) }
    }
}

// A panic must not run through the library's frames: it stops the pipeline and waits for them to return. What
// the pipeline still reports, nobody hears.
unsafe extern "C" fn hand_over(user: *mut c_void, report: *const abi::mf_pipeline_report) -> i32 {
    let mut listener = (*(user as *const RefCell<Listener<'_>>)).borrow_mut();
    if listener.broken {
        return 1;
    }
    let raw = &*report;
    let report = PipelineReport {
        status: raw.status,
        batch: raw.batch,
        position: raw.position,
        rows: raw.rows,
        correct: raw.correct,
        loss: raw.loss,
    };
    match catch_unwind(AssertUnwindSafe(|| (listener.on_report)(&report))) {
        Ok(stops) => i32::from(stops),
        Err(payload) => {
            listener.panic = Some(payload);
            listener.broken = true;
            1
        }
    }
}

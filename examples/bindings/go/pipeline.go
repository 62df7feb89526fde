package monoforward

/*
#include <monoforward.h>

int32_t monoforwardOnReport(uintptr_t handle, mf_pipeline_report *report);

// An exported function of Go knows no const, and a handle of Go is a number, not an address.
static int32_t report_to_go(void *user, const mf_pipeline_report *report)
{
    return monoforwardOnReport((uintptr_t)user, (mf_pipeline_report *)report);
}

static void report_to(mf_pipeline_spec *spec, uintptr_t handle)
{
    spec->on_report = report_to_go;
    spec->user = (void *)handle;
}
*/
import "C"

import (
	"runtime"
	"runtime/cgo"
)

// PipelineReport tells what one layer did with one batch.
type PipelineReport struct {
	Status          Status
	Batch, Position uint64
	Rows, Correct   uint64
	Loss            float64
}

// OnReport receives the reports in order, inside the calls of the pipeline. Returning true stops the
// pipeline.
type OnReport func(PipelineReport) bool

// Pipeline trains the layers of a network at the same time. Use it from one goroutine at a time.
type Pipeline struct {
	handle   *C.mf_pipeline
	network  *Network
	listener *listener
	number   cgo.Handle
}

// listener is what C knows by a number. It must not lead to the Pipeline, which could then never be
// collected.
type listener struct {
	onReport OnReport
	panicked interface{} // what with, which may be nil
	raised   bool        // whether that still has to come out of a call
	broken   bool        // nobody hears reports any more
}

// NewPipeline starts workers for batches of up to maxBatch rows.
func NewPipeline(network *Network, workers, maxBatch int, onReport OnReport) (*Pipeline, error) {
	var spec C.mf_pipeline_spec
	C.mf_pipeline_spec_init(&spec, C.sizeof_mf_pipeline_spec)
	spec.network = network.handle
	spec.workers = C.uint32_t(narrow(workers))
	spec.max_batch = C.size_t(maxBatch)
	p := &Pipeline{network: network, listener: &listener{onReport: onReport}}
	p.number = cgo.NewHandle(p.listener)
	C.report_to(&spec, C.uintptr_t(p.number))
	if err := call(func() C.mf_status { return C.mf_pipeline_create(&spec, &p.handle) }, network); err != nil {
		p.number.Delete()
		return nil, err
	}
	runtime.SetFinalizer(p, (*Pipeline).Close)
	return p, nil
}

// Close ends the pipeline; batches that wait in its queue are dropped. Flush first to have them learned.
func (p *Pipeline) Close() {
	runtime.SetFinalizer(p, nil)
	if p.handle != nil {
		C.mf_pipeline_free(p.handle)
		p.number.Delete()
		p.handle = nil
	}
}

// Submit gives the next batch to the workers, which copy it.
func (p *Pipeline) Submit(x []float32, y []int32) error {
	if err := p.network.checkLabels(x, len(y)); err != nil {
		return err
	}
	return p.call(func() C.mf_status {
		return C.mf_pipeline_submit(p.handle, C.size_t(len(y)/p.network.labels), floats(x), integers(y))
	}, x, y)
}

// Flush waits until every batch has been learned.
func (p *Pipeline) Flush() error {
	return p.call(func() C.mf_status { return C.mf_pipeline_flush(p.handle) })
}

// call hands a panic of OnReport on, when the library's frames are behind it.
func (p *Pipeline) call(function func() C.mf_status, owners ...interface{}) error {
	err := call(function, p, owners)
	if p.listener.raised {
		p.listener.raised = false
		panic(p.listener.panicked)
	}
	return err
}

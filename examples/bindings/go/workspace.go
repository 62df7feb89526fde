package monoforward

/*
#include <monoforward.h>
*/
import "C"

import "runtime"

// Report tells what a layer did in the last call.
type Report struct {
	Rows, Correct uint64
	Loss          float64
	Applied       uint64 // batches the layer has learned from
}

// Workspace holds the scratch memory and the reports of one network. Use it from one goroutine at a time.
type Workspace struct {
	handle *C.mf_workspace
}

// NewWorkspace creates a workspace for batches of up to maxBatch rows.
func NewWorkspace(network *Network, maxBatch int) (*Workspace, error) {
	if network.handle == nil {
		return nil, closed("network")
	}
	var spec C.mf_workspace_spec
	C.mf_workspace_spec_init(&spec, C.sizeof_mf_workspace_spec)
	spec.network = network.handle
	spec.max_batch = C.size_t(maxBatch)
	w := &Workspace{}
	err := call(func() C.mf_status { return C.mf_workspace_create(&spec, &w.handle) }, network)
	if err != nil {
		return nil, err
	}
	runtime.SetFinalizer(w, (*Workspace).Close)
	return w, nil
}

// Close gives the workspace up.
func (w *Workspace) Close() {
	runtime.SetFinalizer(w, nil)
	C.mf_workspace_free(w.handle)
	w.handle = nil
}

// Report reads what the layer at a position did.
func (w *Workspace) Report(position int) (Report, error) {
	raw := C.mf_report{struct_size: C.sizeof_mf_report}
	err := call(func() C.mf_status {
		return C.mf_workspace_report(w.handle, C.size_t(position), &raw)
	}, w)
	return report(&raw), err
}

// ReportSum reads how the sum of all layers did in the last Evaluate.
func (w *Workspace) ReportSum() (Report, error) {
	raw := C.mf_report{struct_size: C.sizeof_mf_report}
	err := call(func() C.mf_status { return C.mf_workspace_report_sum(w.handle, &raw) }, w)
	return report(&raw), err
}

func report(raw *C.mf_report) Report {
	return Report{uint64(raw.rows), uint64(raw.correct), float64(raw.loss), uint64(raw.applied)}
}

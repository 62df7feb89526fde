package monoforward

// A file with an exported function may only declare in C, not define; hence this one.

/*
#include <monoforward.h>
*/
import "C"

import "runtime/cgo"

// A panic must not run through the library's frames: it stops the pipeline and waits for them to return. What
// the pipeline still reports, nobody hears.
//
//export monoforwardOnReport
func monoforwardOnReport(handle C.uintptr_t, report *C.mf_pipeline_report) (stop C.int32_t) {
	listener := cgo.Handle(handle).Value().(*listener)
	if listener.broken {
		return 1
	}
	returned := false // recover() gives nil for panic(nil), too
	defer func() {
		if !returned {
			listener.panicked, listener.raised, listener.broken = recover(), true, true
			stop = 1
		}
	}()
	if listener.onReport != nil && listener.onReport(PipelineReport{
		Status(report.status), uint64(report.batch), uint64(report.position),
		uint64(report.rows), uint64(report.correct), float64(report.loss)}) {
		stop = 1
	}
	returned = true
	return stop
}

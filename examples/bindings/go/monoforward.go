// Package monoforward binds libmonoforward, which trains neural networks without backpropagation: every layer
// learns from its own loss.
//
// An Optimizer, Layer, Network, Workspace or Pipeline owns one handle of the library. Close gives it back at
// once; the garbage collector does otherwise. After Close every method returns an Error with StatusHandle.
//
// Slices are handed over without a copy and are read or written during the call only. Different objects may
// be used from different goroutines, but a Network uses its layers and these their optimizer: see
// docs/threads.md.
//
// SPDX-License-Identifier: MIT
package monoforward

/*
#cgo pkg-config: monoforward
#include <monoforward.h>
*/
import "C"

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"unsafe"
)

// Status tells what kind of failure an Error is.
type Status int32

// The statuses that a program is likely to ask for; the header has all of them.
const (
	StatusArgument    Status = C.MF_STATUS_ARGUMENT
	StatusHandle      Status = C.MF_STATUS_HANDLE
	StatusShape       Status = C.MF_STATUS_SHAPE
	StatusLabel       Status = C.MF_STATUS_LABEL
	StatusCapacity    Status = C.MF_STATUS_CAPACITY
	StatusMemory      Status = C.MF_STATUS_MEMORY
	StatusNumeric     Status = C.MF_STATUS_NUMERIC
	StatusUnsupported Status = C.MF_STATUS_UNSUPPORTED
	StatusStale       Status = C.MF_STATUS_STALE
	StatusState       Status = C.MF_STATUS_STATE
	StatusNotFound    Status = C.MF_STATUS_NOT_FOUND
	StatusIO          Status = C.MF_STATUS_IO
	StatusFormat      Status = C.MF_STATUS_FORMAT
)

func (s Status) String() string {
	return C.GoString(C.mf_status_name(C.mf_status(s)))
}

// Error is what every failed call returns; errors.As finds it.
type Error struct {
	Status  Status
	Message string
}

func (e *Error) Error() string {
	return fmt.Sprintf("%v: %s", e.Status, e.Message)
}

// Version is that of the library that runs.
func Version() string {
	return C.GoString(C.mf_version())
}

// OneBLASThread sets the BLAS library to one thread, for the whole process: what is right beside a Pipeline.
// A library without threads has one as it is.
func OneBLASThread() error {
	err := call(func() C.mf_status { return C.mf_blas_set_threads(1) })
	if failure, ok := err.(*Error); ok && failure.Status == StatusUnsupported {
		return nil
	}
	return err
}

// call makes one call of the library. The message of a failure belongs to the thread that failed, so the
// goroutine stays on its thread until it has been read. The owners of handles and slices that the call uses
// are kept from the garbage collector until it is over.
func call(function func() C.mf_status, owners ...interface{}) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	status := function()
	runtime.KeepAlive(owners)
	if status == C.MF_STATUS_OK {
		return nil
	}
	return &Error{Status(status), C.GoString(C.mf_last_message())}
}

// newText is a text for C, which would end it at its first 0. The caller frees it.
func newText(text string) (*C.char, error) {
	if strings.IndexByte(text, 0) >= 0 {
		return nil, &Error{StatusArgument, "a character 0 within a text"}
	}
	return C.CString(text), nil
}

// closed is the error of what was closed, for calls to which NULL is no mistake.
func closed(what string) error {
	return &Error{StatusHandle, "the " + what + " is closed"}
}

// narrow gives C its number. One that does not fit becomes the nearest that does, which the library refuses.
func narrow(value int) C.int32_t {
	if value > math.MaxInt32 {
		return math.MaxInt32
	}
	if value < math.MinInt32 {
		return math.MinInt32
	}
	return C.int32_t(value)
}

// flag gives C its 1 or 0.
func flag(condition bool) C.int32_t {
	if condition {
		return 1
	}
	return 0
}

// The address of the first value, which a slice without any does not have.
func floats(values []float32) *C.float {
	if len(values) == 0 {
		return nil
	}
	return (*C.float)(unsafe.Pointer(&values[0]))
}

func characters(text []byte) *C.char {
	if len(text) == 0 {
		return nil
	}
	return (*C.char)(unsafe.Pointer(&text[0]))
}

func integers(values []int32) *C.int32_t {
	if len(values) == 0 {
		return nil
	}
	return (*C.int32_t)(unsafe.Pointer(&values[0]))
}

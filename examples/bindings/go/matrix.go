package monoforward

/*
#include <stdlib.h>
#include <monoforward.h>

// A struct in the memory of Go must not lead to other memory of Go.
static mf_status create_matrix(size_t rows, size_t columns, const float *values, mf_matrix **matrix)
{
    mf_matrix_spec spec;
    mf_status status = mf_matrix_spec_init(&spec, sizeof spec);
    spec.rows = rows;
    spec.columns = columns;
    spec.values = values;
    return status == MF_STATUS_OK ? mf_matrix_create(&spec, matrix) : status;
}
*/
import "C"

import (
	"fmt"
	"runtime"
	"unsafe"
)

// Matrix is one that heads share and no layer learns: see HeadSpec.
type Matrix struct {
	handle *C.mf_matrix
}

// NewMatrix creates a matrix of a row for each class; the values are copied.
func NewMatrix(rows, columns int, values []float32) (*Matrix, error) {
	if len(values) != rows*columns {
		return nil, &Error{StatusShape, fmt.Sprintf("%d values, expected %d rows of %d", len(values), rows, columns)}
	}
	m := &Matrix{}
	return m.own(call(func() C.mf_status {
		return C.create_matrix(C.size_t(rows), C.size_t(columns), floats(values), &m.handle)
	}, values))
}

// NewMatrixFrom creates a matrix with the values that a layer's parameter has now, such as those of an embedding.
func NewMatrixFrom(layer *Layer, name string) (*Matrix, error) {
	text, err := newText(name)
	if err != nil {
		return nil, err
	}
	defer C.free(unsafe.Pointer(text))
	m := &Matrix{}
	return m.own(call(func() C.mf_status {
		return C.mf_matrix_from_parameter(layer.handle, text, nil, &m.handle)
	}, layer))
}

func (m *Matrix) own(err error) (*Matrix, error) {
	if err != nil {
		return nil, err
	}
	runtime.SetFinalizer(m, (*Matrix).Close)
	return m, nil
}

// Close gives the matrix up; builders and layers that read it keep it.
func (m *Matrix) Close() {
	runtime.SetFinalizer(m, nil)
	C.mf_matrix_free(m.handle)
	m.handle = nil
}

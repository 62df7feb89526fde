// Spirals trains a small network from Go, and checks what a binding has to get right besides: errors, a
// callback into Go, and a model file.
//
// SPDX-License-Identifier: MIT
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"

	mf "monoforward"
)

const (
	width    = 64
	steps    = 400 // one layer after the other on each batch
	batches  = 100 // both layers at the same time
	rows     = 96
	testRows = 1200
	least    = 98.0 // percent
)

// model is a network with what trains it.
type model struct {
	optimizer *mf.Optimizer
	layers    []*mf.Layer
	network   *mf.Network
	workspace *mf.Workspace
	draws     generator
	x         []float32
	y         []int32
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func check(condition bool, format string, values ...interface{}) {
	if !condition {
		must(fmt.Errorf(format, values...))
	}
}

func build() *model {
	m := &model{draws: generator{1}, x: make([]float32, 2*rows), y: make([]int32, rows)}
	var err error
	how := mf.DefaultOptimizer()
	how.LearningRate = 0.01
	m.optimizer, err = mf.NewOptimizer(how)
	must(err)
	for i, inputs := range []int{2, width} {
		spec := mf.Dense(inputs, width, classes)
		spec.Seed = uint64(i + 1)
		layer, err := mf.NewLayer(spec)
		must(err)
		m.layers = append(m.layers, layer)
	}
	m.network, err = mf.NewNetwork(m.layers...)
	must(err)
	must(m.network.SetOptimizer(m.optimizer))
	m.workspace, err = mf.NewWorkspace(m.network, testRows)
	must(err)
	return m
}

func (m *model) train() {
	for i := 0; i < steps; i++ {
		m.draws.draw(m.x, m.y)
		must(m.network.Step(m.workspace, m.x, m.y))
	}
}

// A callback: the pipeline reports every layer's loss to a function of Go.
func (m *model) refine() (reports int, loss float64) {
	must(mf.OneBLASThread())
	must(m.optimizer.SetLearningRate(0.002))
	pipeline, err := mf.NewPipeline(m.network, 2, rows, func(report mf.PipelineReport) bool {
		reports++
		loss += report.Loss / (2 * batches)
		return false
	})
	must(err)
	defer pipeline.Close()
	for i := 0; i < batches; i++ {
		m.draws.draw(m.x, m.y)
		must(pipeline.Submit(m.x, m.y))
	}
	must(pipeline.Flush())
	check(reports == 2*batches, "%d reports instead of %d", reports, 2*batches)
	return reports, loss
}

// A callback stops its pipeline by returning true.
func (m *model) stop() {
	for _, answer := range []bool{true, false} {
		pipeline, err := mf.NewPipeline(m.network, 0, rows, func(mf.PipelineReport) bool { return answer })
		must(err)
		err = pipeline.Submit(m.x, m.y)
		if err == nil {
			err = pipeline.Flush()
		}
		if answer {
			expect(err, mf.StatusState)
		} else {
			must(err)
		}
		pipeline.Close()
	}
}

// A callback that panics stops its pipeline; the panic comes out of the call that it happened in, also one with nil.
func (m *model) interrupt() {
	for _, reason := range []interface{}{"enough", nil} {
		pipeline, err := mf.NewPipeline(m.network, 1, rows, func(mf.PipelineReport) bool { panic(reason) })
		must(err)
		returned := false
		caught := func() (caught interface{}) {
			defer func() { caught = recover() }()
			must(pipeline.Submit(m.x, m.y))
			must(pipeline.Flush())
			returned = true
			return nil
		}()
		check(!returned && caught == reason, "the panic with %v came out as %v", reason, caught)
		expect(pipeline.Submit(m.x, m.y), mf.StatusState)
		pipeline.Close()
	}
}

// expect is an error path: the call has failed, for this reason.
func expect(err error, status mf.Status) *mf.Error {
	var failure *mf.Error
	check(errors.As(err, &failure), "%v instead of an error of the library", err)
	check(failure.Status == status, "%v instead of %v", failure, status)
	check(failure.Message != "", "no message for %v", status)
	return failure
}

// A label that does not exist is refused, and nothing has changed.
func (m *model) offend() *mf.Error {
	before, err := m.layers[0].Parameter("weight")
	must(err)
	m.draws.draw(m.x, m.y)
	m.y[rows-1] = classes
	failure := expect(m.network.Step(m.workspace, m.x, m.y), mf.StatusLabel)
	after, err := m.layers[0].Parameter("weight")
	must(err)
	check(len(after) == 2*width && reflect.DeepEqual(before, after), "a refused batch has changed the weights")
	expect(m.network.Step(m.workspace, m.x[1:], m.y), mf.StatusShape)
	_, err = m.layers[0].Parameter("no such")
	expect(err, mf.StatusNotFound)
	return failure
}

func (m *model) accuracy(x []float32, y []int32) float64 {
	must(m.network.Evaluate(m.workspace, x, y))
	report, err := m.workspace.ReportSum()
	must(err)
	return 100 * float64(report.Correct) / float64(report.Rows)
}

// A network without layers has no answers: that is an error.
func (m *model) empty() {
	network, err := mf.NewNetwork()
	must(err)
	labels := []int32{0}
	expect(network.Step(m.workspace, nil, labels), mf.StatusState)
	expect(network.Evaluate(m.workspace, nil, labels), mf.StatusState)
	expect(network.Predict(m.workspace, mf.Last, nil, labels), mf.StatusState)
	expect(network.Step(m.workspace, []float32{0, 0}, labels), mf.StatusShape)
	_, err = mf.NewWorkspace(network, 1)
	expect(err, mf.StatusState)
}

// A model file: the network that it holds answers alike.
func (m *model) reload(x []float32) string {
	folder, err := os.MkdirTemp("", "spirals")
	must(err)
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "model.safetensors")
	must(m.network.Save(path))
	expect(m.network.Save(path+"\x00.old"), mf.StatusArgument)
	_, err = mf.LoadNetwork(path + "\x00.old")
	expect(err, mf.StatusArgument)
	_, err = m.layers[0].Parameter("weight\x00")
	expect(err, mf.StatusArgument)
	loaded, err := mf.LoadNetwork(path)
	must(err)
	defer loaded.Close()
	workspace, err := mf.NewWorkspace(loaded, testRows)
	must(err)
	defer workspace.Close()
	var answers [2][]float32
	for i := range answers {
		answers[i] = make([]float32, testRows*classes)
	}
	must(m.network.Probabilities(m.workspace, mf.Sum, x, answers[0]))
	must(loaded.Probabilities(workspace, mf.Sum, x, answers[1]))
	check(reflect.DeepEqual(answers[0], answers[1]), "the loaded network answers differently")
	return "same"
}

// What was closed is refused, also where NULL would mean something to C; in the network its optimizer goes on.
func (m *model) giveUp() {
	m.draws.draw(m.x, m.y)
	m.optimizer.Close()
	expect(m.network.SetOptimizer(m.optimizer), mf.StatusHandle)
	must(m.network.Step(m.workspace, m.x, m.y))
	m.network.Close()
	_, err := mf.NewWorkspace(m.network, rows)
	expect(err, mf.StatusHandle)
	expect(m.network.Step(m.workspace, m.x, m.y), mf.StatusHandle)
}

// The plane as the network sees it.
func (m *model) draw() {
	const columns, lines = 48, 24
	x := make([]float32, 0, 2*columns*lines)
	for i := 0; i < columns*lines; i++ {
		x = append(x, 2*(float32(i%columns)+0.5)/columns-1, 1-2*(float32(i/columns)+0.5)/lines)
	}
	labels := make([]int32, columns*lines)
	must(m.network.Predict(m.workspace, mf.Sum, x, labels))
	for i, label := range labels {
		fmt.Printf("%c", ".o#"[label])
		if i%columns == columns-1 {
			fmt.Println()
		}
	}
}

func main() {
	m := build()
	m.train()
	reports, loss := m.refine()
	m.stop()
	m.interrupt()
	failure := m.offend()
	m.empty()
	x, y := make([]float32, 2*testRows), make([]int32, testRows)
	draws := generator{2}
	draws.draw(x, y)
	accuracy := m.accuracy(x, y)
	file := m.reload(x)
	m.draw()
	m.giveUp()
	fmt.Printf("result example=ffi-go version=%s accuracy=%.2f loss=%.4f reports=%d refused=%v model_file=%s\n",
		mf.Version(), accuracy, loss, reports, failure.Status, file)
	check(accuracy >= least, "an accuracy of %.2f%%, expected at least %.0f%%", accuracy, least)
}

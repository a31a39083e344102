package main

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// results are the metrics of benchmarks, by the name of the benchmark and the unit:
// of each the values of all runs.
type results map[string]map[string][]float64

// cores is the number that testing appends to the names of benchmarks.
var cores = regexp.MustCompile(`-([0-9]+)$`)

// readResults reads the output of go test -bench
// (https://go.dev/design/14313-benchmark-format).
func readResults(in io.Reader) (results, error) {
	list := results{}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) > 0 && fields[0] == "FAIL" {
			return nil, fmt.Errorf("the benchmarks failed")
		}
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		name := strings.TrimPrefix(cores.ReplaceAllString(fields[0], ""), "Benchmark")
		if list[name] == nil {
			list[name] = map[string][]float64{}
		}
		for i := 2; i+1 < len(fields); i += 2 {
			v, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			list[name][fields[i+1]] = append(list[name][fields[i+1]], v)
		}
	}
	return list, lines.Err()
}

// value returns a metric of a benchmark: of times the least and of rates the
// highest, because what else runs on a machine only makes it slower; of others the
// median.
func (r results) value(benchmark, unit string) (float64, error) {
	list := slices.Sorted(slices.Values(r[benchmark][unit]))
	switch {
	case len(list) == 0:
		return 0, fmt.Errorf("the input has no %s of Benchmark%s", unit, benchmark)
	case unit == "ns/op":
		return list[0], nil
	case strings.HasSuffix(unit, "/s"):
		return list[len(list)-1], nil
	default:
		return list[len(list)/2], nil
	}
}

// operation is one that benchmarks measure.
type operation struct{ key, label string }

// sizes are the numbers of documents of BenchmarkGrowth.
func sizes() []int { return []int{1_000, 10_000, 100_000} }

// operations are those of BenchmarkGrowth.
func operations() []operation {
	return []operation{{"write", "Writer"}, {"stream", "All"}, {"count", "Count"}, {"countParallel", "Count, ParallelList(8)"}, {"page", "Page(20)"}}
}

// compared are the operations of BenchmarkMany.
func compared() []operation {
	return []operation{{"insertMany", "InsertMany"}, {"list", "List"}, {"getAll", "GetAll"}}
}

// growth returns a metric of BenchmarkGrowth for each size.
func (r results) growth(op, latency, unit string) (list []float64, err error) {
	for _, n := range sizes() {
		v, err := r.value(fmt.Sprintf("Growth/op=%s/latency=%s/n=%d", op, latency, n), unit)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

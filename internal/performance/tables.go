package main

import (
	"fmt"
	"strings"
	"time"
)

// The tables stand between these lines of the page, each under its name.
const (
	tableBegins = "<!-- %s: written by make %s -->\n"
	tableEnds   = "<!-- end -->\n"
)

// tablesOf makes the tables of the page.
func tablesOf(r results) (map[string]string, error) {
	var bare, growth strings.Builder
	bare.WriteString("| | documents/s | SDK loop/s | throughput | CPU |\n|---|---|---|---|---|\n")
	for _, op := range compared() {
		var v [4]float64
		for i, unit := range []string{"/s", "-bare/s", "-x-bare", "-cpu-x-bare"} {
			var err error
			if v[i], err = r.value("Many", op.key+unit); err != nil {
				return nil, err
			}
		}
		fmt.Fprintf(&bare, "| `%s` | %s | %s | %.2f× | %.2f× |\n", op.label, thousands(v[0]), thousands(v[1]), v[2], v[3])
	}
	growth.WriteString("| | documents | requests | time | time at 20 ms | memory held |\n|---|---|---|---|---|---|\n")
	for _, op := range operations() {
		var columns [4][]float64
		for i, c := range []struct{ latency, unit string }{{"0s", "requests"}, {"0s", "ns/op"}, {"20ms", "ns/op"}, {"0s", "held-KiB"}} {
			var err error
			if columns[i], err = r.growth(op.key, c.latency, c.unit); err != nil {
				return nil, err
			}
		}
		for i, n := range sizes() {
			held := thousands(columns[3][i]) + " KiB"
			if op.key == "write" {
				held = ""
			}
			fmt.Fprintf(&growth, "| `%s` | %s | %s | %s | %s | %s |\n",
				op.label, thousands(float64(n)), thousands(columns[0][i]), seconds(columns[1][i]), seconds(columns[2][i]), held)
		}
	}
	return map[string]string{"bare": bare.String(), "growth": growth.String()}, nil
}

// insert puts tables into the page.
func insert(page string, tables map[string]string) (string, error) {
	for name, table := range tables {
		target := "performance"
		if name == generators {
			target = "bench-peers"
		}
		begin := fmt.Sprintf(tableBegins, name, target)
		before, rest, ok := strings.Cut(page, begin)
		_, after, ends := strings.Cut(rest, tableEnds)
		if !ok || !ends {
			return "", fmt.Errorf("the page has no lines %q and %q", strings.TrimSpace(begin), strings.TrimSpace(tableEnds))
		}
		page = before + begin + table + tableEnds + after
	}
	return page, nil
}

// seconds tells nanoseconds with three digits.
func seconds(ns float64) string {
	d := time.Duration(ns)
	switch {
	case d >= 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d >= 10*time.Millisecond:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	default:
		return fmt.Sprintf("%.1f ms", d.Seconds()*1000)
	}
}

// thousands writes a number with commas.
func thousands(v float64) string {
	s := fmt.Sprintf("%.0f", v)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

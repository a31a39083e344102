package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// output is what the benchmarks print, with values that a test can recognize.
func output() string {
	var b strings.Builder
	b.WriteString("goos: linux\npkg: x\n")
	for run := range 3 {
		fmt.Fprintf(&b, "BenchmarkMany-2 \t 1\t 5 ns/op")
		for _, op := range compared() {
			fmt.Fprintf(&b, "\t%d %s/s\t%d %s-bare/s\t0.9%d %s-x-bare\t0.8%d %s-cpu-x-bare", 4000+run, op.key, 5000+run, op.key, run, op.key, run, op.key)
		}
		b.WriteString("\n")
		for _, latency := range []string{"0s", "20ms"} {
			for _, n := range sizes() {
				for _, op := range operations() {
					fmt.Fprintf(&b, "BenchmarkGrowth/op=%s/latency=%s/n=%d-2 \t 1\t %d ns/op\t %d held-KiB\t%d requests\n", op.key, latency, n, n*1000+run, 70+run, n/1000)
				}
			}
		}
	}
	b.WriteString("PASS\n")
	return b.String()
}

const emptyPage = "# P\n<!-- bare: written by make performance -->\nold\n<!-- end -->\ntext\n<!-- growth: written by make performance -->\n<!-- end -->\n"

// TestRun writes tables and plots, twice the same, and leaves the rest of the page.
func TestRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	page := filepath.Join(dir, "page.md")
	if err := os.WriteFile(page, []byte(emptyPage), 0o600); err != nil {
		t.Fatal(err)
	}
	var first []byte
	for range 2 {
		if err := run(strings.NewReader(output()), []string{page}); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		if first != nil && !bytes.Equal(first, text) {
			t.Errorf("the second run changed the page:\n%s", text)
		}
		first = text
	}
	for _, want := range []string{
		"| `InsertMany` | 4,002 | 5,002 | 0.91× | 0.81× |\n", // the highest rates, the medians of ratios
		"| `Count` | 100,000 | 100 | 100 ms | 100 ms | 71 KiB |\n",
		"\ntext\n",
	} {
		if !strings.Contains(string(first), want) {
			t.Errorf("the page lacks %q:\n%s", want, first)
		}
	}
	if strings.Contains(string(first), "old") {
		t.Error("the old table is left")
	}
	for _, name := range []string{"bare", "requests", "time", "latency", "memory"} {
		svg, err := os.ReadFile(filepath.Join(dir, "performance", name+".svg"))
		if err != nil {
			t.Fatal(err)
		}
		decoder := xml.NewDecoder(bytes.NewReader(svg))
		for {
			if _, err := decoder.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s.svg: %v", name, err)
			}
		}
		if bytes.Contains(svg, []byte("NaN")) || bytes.Contains(svg, []byte("Inf")) {
			t.Errorf("%s.svg has numbers that are none", name)
		}
	}
}

// TestIncomplete: with a result missing, nothing is written.
func TestIncomplete(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"a benchmark is missing": strings.ReplaceAll(output(), "op=count/", "op=other/"),
		"a metric is missing":    strings.ReplaceAll(output(), "list-x-bare", "list-y"),
		"the benchmarks failed":  output() + "FAIL\n",
	} {
		page := filepath.Join(t.TempDir(), "page.md")
		if err := os.WriteFile(page, []byte(emptyPage), 0o600); err != nil {
			t.Fatal(err)
		}
		err := run(strings.NewReader(text), []string{page})
		got, readErr := os.ReadFile(page)
		if err == nil || readErr != nil || string(got) != emptyPage {
			t.Errorf("%s: %v, %v, the page is %q", name, err, readErr, got)
		}
	}
}

// TestGenerators writes the table of generators alone, and only when it is complete.
func TestGenerators(t *testing.T) {
	t.Parallel()
	page := filepath.Join(t.TempDir(), "page.md")
	before := "a\n<!-- generators: written by make bench-peers -->\nold\n<!-- end -->\nb\n"
	if err := os.WriteFile(page, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	line := "BenchmarkPeers-2 1 5 ns/op 300 s3dbgen-cpu-ms 50 s3dbgen-MB 2000 sqlc-cpu-ms 150 sqlc-MB 4000 oapi-codegen-cpu-ms 90.4 oapi-codegen-MB"
	if err := run(strings.NewReader(line+"\n"), []string{page, "generators"}); err == nil {
		t.Error("a metric is missing, and nobody says so")
	}
	if err := run(strings.NewReader(line+" 12.3 unchanged-ms\n"), []string{page, "generators"}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	want := "| s3dbgen | 300 ms | 50 MB | 12 ms |\n| sqlc | 2,000 ms | 150 MB |  |\n| oapi-codegen | 4,000 ms | 90 MB |  |\n<!-- end -->\nb\n"
	if !strings.HasSuffix(string(text), want) || strings.Contains(string(text), "old") {
		t.Errorf("the page is %s", text)
	}
	if err := run(strings.NewReader(line), []string{page, "other"}); err == nil {
		t.Error("an unknown table is written")
	}
}

// TestLinesEndWhereTheyShould reads the position of points back.
func TestLinesEndWhereTheyShould(t *testing.T) {
	t.Parallel()
	svg := lineChart{title: "a & b", lines: []line{{"one", []point{{10, 1}, {1000, 100}}}, {"two", []point{{10, 1}, {1000, 90}}}}}.svg()
	for _, want := range []string{
		fmt.Sprintf(`d="M%.1f %.1fL%.1f %.1f"`, float64(left), float64(height-bottom), float64(width-right), float64(top)),
		"a &amp; b",
	} {
		if !strings.Contains(svg, want) {
			t.Errorf("the plot lacks %q:\n%s", want, svg)
		}
	}
}

// Command performance makes docs/performance.md true: it reads the output of the
// benchmarks from standard input, draws the plots of the page, and writes the tables
// of numbers into it.
//
//	go test -run '^$' -bench … ./… | go run ./internal/performance docs/performance.md
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func main() {
	if err := run(os.Stdin, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "performance:", err)
		os.Exit(1)
	}
}

// run writes nothing unless all results that the page shows are there.
func run(in io.Reader, args []string) error {
	if len(args) == 0 || len(args) > 2 || len(args) == 2 && args[1] != generators {
		return fmt.Errorf("name the page that gets the numbers, such as docs/performance.md, and perhaps %q", generators)
	}
	page := args[0]
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	results, err := readResults(in)
	if err != nil {
		return err
	}
	if len(args) == 2 {
		return writeGenerators(page, string(text), results)
	}
	files, err := plots(results)
	if err != nil {
		return err
	}
	tables, err := tablesOf(results)
	if err != nil {
		return err
	}
	whole, err := insert(string(text), tables)
	if err != nil {
		return err
	}
	dir := filepath.Join(filepath.Dir(page), "performance")
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // documents are for everyone
		return err
	}
	for name, svg := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(svg), 0o644); err != nil { //nolint:gosec // documents are for everyone
			return err
		}
	}
	return os.WriteFile(page, []byte(whole), 0o644) //nolint:gosec // documents are for everyone
}

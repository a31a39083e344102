// Command mutants switches off one safeguard of the write protocol after the
// other and verifies that tests notice. A mutant is a textual change of one file,
// applied through the overlay of the go command, so that the source stays as it
// is; a change that does not match exactly once is an error.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// mutant is one safeguard that is switched off.
type mutant struct {
	name string
	file string // within the module
	old  string
	new  string
	run  string // tests that must notice, as for go test -run
	pkg  string // where they are
}

func main() {
	if err := run(context.Background(), os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1) //nolint:forbidigo // this is main
	}
}

var errSurvived = errors.New("a safeguard can be switched off without a test that fails")

// run tries the mutants whose name contains one of the words, or all.
func run(ctx context.Context, out io.Writer, words []string) error {
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	killed, survived := 0, 0
	for _, m := range mutants() {
		if !chosen(m.name, words) {
			continue
		}
		start := time.Now()
		test, err := m.try(ctx, dir)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		seconds := time.Since(start).Seconds()
		if test == "" {
			survived++
			fmt.Fprintf(out, "SURVIVED  %s (%.0f s)\n", m.name, seconds)
			continue
		}
		killed++
		fmt.Fprintf(out, "killed    %s, by %s (%.0f s)\n", m.name, test, seconds)
	}
	fmt.Fprintf(out, "mutants: %d killed, %d survived\n", killed, survived)
	if survived > 0 {
		return errSurvived
	}
	return nil
}

func chosen(name string, words []string) bool {
	for _, w := range words {
		if strings.Contains(name, w) {
			return true
		}
	}
	return len(words) == 0
}

// try returns the name of the test that noticed, "" when none did.
func (m mutant) try(ctx context.Context, dir string) (string, error) {
	overlay, err := m.overlay(dir)
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "mutant.test")
	build := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-overlay", overlay, "-o", binary, m.pkg)
	if text, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("does not build: %w\n%s", err, text)
	}
	test := exec.CommandContext(ctx, binary, "-test.failfast", "-test.timeout", "5m", "-test.run", m.run)
	test.Dir = m.pkg
	test.Env = append(os.Environ(), "SIM_CASES=1500")
	text, err := test.CombinedOutput()
	if bytes.Contains(text, []byte("no tests to run")) {
		return "", fmt.Errorf("there is no test %s", m.run)
	}
	var exit *exec.ExitError
	switch {
	case err == nil:
		return "", nil
	case !errors.As(err, &exit):
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "--- FAIL: "); ok {
			name, _, _ = strings.Cut(name, " ")
			return name, nil
		}
	}
	return "a crash of the test", nil
}

// overlay writes the changed file and the list that makes the go command use it.
func (m mutant) overlay(dir string) (string, error) {
	path, err := filepath.Abs(m.file)
	if err != nil {
		return "", err
	}
	source, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(source), m.old); n != 1 {
		return "", fmt.Errorf("%s has the text %d times, not once: %q", m.file, n, m.old)
	}
	changed := filepath.Join(dir, "changed.go")
	if err := os.WriteFile(changed, []byte(strings.Replace(string(source), m.old, m.new, 1)), 0o600); err != nil {
		return "", err
	}
	list, err := json.Marshal(map[string]map[string]string{"Replace": {path: changed}})
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "overlay.json")
	return file, os.WriteFile(file, list, 0o600)
}

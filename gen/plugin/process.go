package plugin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Process is a plugin that is a program of its own. It gets a Request as JSON on
// standard input, ends with exit code 0, and has written a Response as JSON to standard
// output. What it writes to standard error is for people.
type Process struct {
	Plugin  string         // its name
	Command []string       // program and arguments; no shell reads them
	Dir     string         // where it runs, and where a program with a "/" in its name is found
	Options map[string]any // for its requests
	Timeout time.Duration  // after which it is killed; 0 for a minute
	Stderr  io.Writer      // gets what it writes there; nil for nobody
}

// DefaultTimeout ends a process that does not answer.
const DefaultTimeout = time.Minute

// maxReply bounds what a process may answer, in bytes.
const maxReply = 64 << 20

// Name implements Plugin.
func (p *Process) Name() string { return p.Plugin }

// Generate implements Plugin: it runs the program.
func (p *Process) Generate(ctx context.Context, req *Request) (*Response, error) {
	text, err := json.Marshal(&Request{Protocol: Protocol, Plugin: p.Plugin, Options: p.Options, Package: req.Package})
	if err != nil {
		return nil, err
	}
	timeout := p.Timeout
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	stdout, err := p.run(limited, text)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(limited.Err(), context.DeadlineExceeded):
		return nil, fmt.Errorf("%s gave no answer within %v", p.Command[0], timeout)
	case err != nil:
		return nil, err
	}
	return readResponse(stdout)
}

// Program returns the absolute path of the program, or its name when it is found
// nowhere.
func (p *Process) Program() (string, error) {
	program := p.Command[0]
	if strings.ContainsAny(program, `/\`) {
		if filepath.IsAbs(program) {
			return program, nil
		}
		return filepath.Abs(filepath.Join(p.Dir, program))
	}
	if found, err := exec.LookPath(program); err == nil && filepath.IsAbs(found) {
		return found, nil
	}
	return program, nil // what is wrong with it is told when it runs
}

// run runs the program and returns what it writes to standard output.
func (p *Process) run(ctx context.Context, stdin []byte) ([]byte, error) {
	program, err := p.Program()
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, program, p.Command[1:]...) //nolint:gosec // the schema names it, as go:generate would
	command.Dir = p.Dir
	command.Stdin = bytes.NewReader(stdin)
	stdout, stderr := &limitedBuffer{left: maxReply}, &limitedBuffer{left: 4 << 10}
	command.Stdout, command.Stderr = stdout, stderr
	if p.Stderr != nil {
		command.Stderr = io.MultiWriter(stderr, p.Stderr)
	}
	command.WaitDelay = time.Second // for children that keep its output open
	err = command.Run()
	exit, exited := errors.AsType[*exec.ExitError](err)
	switch {
	case exited && exit.Exited():
		return nil, fmt.Errorf("%s ended with exit code %d%s", p.Command[0], exit.ExitCode(), said(stderr.Bytes()))
	case err != nil:
		return nil, fmt.Errorf("%s did not run: %w", p.Command[0], err)
	case stdout.full:
		return nil, fmt.Errorf("%s answered with more than %d MiB", p.Command[0], maxReply>>20)
	}
	return stdout.Bytes(), nil
}

// said quotes the last line that a program wrote to standard error, which is where
// programs say why they end.
func said(stderr []byte) string {
	lines := strings.Split(strings.TrimSpace(string(stderr)), "\n")
	if last := strings.TrimSpace(lines[len(lines)-1]); last != "" {
		return ": " + last
	}
	return ""
}

// readResponse reads the answer of a program.
func readResponse(text []byte) (*Response, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, errors.New(`it answered nothing; without files the answer is {}`)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var resp Response
	if err := decoder.Decode(&resp); err != nil {
		return nil, fmt.Errorf("its answer is not the JSON of a response: %w", err)
	}
	if decoder.More() {
		return nil, errors.New("its answer has something after the JSON of the response; logs belong to standard error")
	}
	return &resp, nil
}

// limitedBuffer keeps the first bytes that are written to it.
type limitedBuffer struct {
	bytes.Buffer

	left int
	full bool
}

// Write implements io.Writer. It never fails, so that the program can end.
func (b *limitedBuffer) Write(p []byte) (int, error) {
	keep := p[:min(len(p), b.left)]
	b.full = b.full || len(keep) < len(p)
	b.left -= len(keep)
	b.Buffer.Write(keep)
	return len(p), nil
}

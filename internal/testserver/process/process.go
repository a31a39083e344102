// Package process runs a server's process for the tests of one binary: on the
// loopback interface, its last words at hand, ended with the test binary whatever
// becomes of that.
package process

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"runtime"
	"sync"
	"time"
)

// Process is a running process. Make it by Start.
type Process struct {
	stop   context.CancelFunc
	done   chan struct{} // closed when the process has ended
	exited chan error    // why it ended, unless Stop did it
	log    tail
}

// Start runs a command in the background. The function gets the context that ends
// the process; it may set Cancel of the command it returns, which else is killed.
// What the process prints to outputs that the command leaves nil is kept for Await.
func Start(command func(ctx context.Context) *exec.Cmd) *Process {
	running, stop := context.WithCancel(context.Background())
	p := &Process{stop: stop, done: make(chan struct{}), exited: make(chan error, 1)}
	cmd := command(running)
	if cmd.Stdout == nil {
		cmd.Stdout = &p.log
	}
	if cmd.Stderr == nil {
		cmd.Stderr = &p.log
	}
	cmd.WaitDelay = time.Second
	dieWithParent(cmd)
	go func() {
		// The kernel kills the process when this thread ends, not only when all of the
		// test binary does, so the thread must stay.
		runtime.LockOSThread()
		defer close(p.done)
		err := cmd.Run()
		if running.Err() == nil {
			p.exited <- fmt.Errorf("the server ended by itself: %w", err)
		}
	}()
	return p
}

// Await asks until ready returns nil. An error says what the process printed last;
// the process may then still run.
func (p *Process) Await(ctx context.Context, ready func(ctx context.Context) error) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case err := <-p.exited:
			return fmt.Errorf("%w\n%s", err, &p.log)
		case <-ctx.Done():
			return fmt.Errorf("no answer in time: %w\n%s", err, &p.log)
		}
	}
}

// Stop ends the process and waits until it is gone.
func (p *Process) Stop() {
	p.stop()
	<-p.done
}

// FreeAddress returns a loopback address on which nobody listens. Somebody else may
// take it before the caller does.
func FreeAddress(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// Retry starts a server up to three times, since the address that it was given may
// have been taken in between.
func Retry[S any](ctx context.Context, start func(ctx context.Context) (S, error)) (S, error) {
	for attempt := 1; ; attempt++ {
		s, err := start(ctx)
		if err == nil || attempt == 3 || ctx.Err() != nil || errors.Is(err, exec.ErrNotFound) {
			return s, err
		}
	}
}

// tail keeps the end of what a server prints, for the message when it fails.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	const keep = 8 << 10
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if over := len(t.text) - keep; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}

package testserver_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/s3dbgen/s3dbgen/internal/testserver"
)

// A server must not outlive a test binary that was killed. The test runs itself as
// the binary that is killed.
func TestDiesWithParent(t *testing.T) {
	const marker = "S3DB_TEST_HELPER"
	if os.Getenv(marker) != "" {
		var shared testserver.Shared
		fmt.Fprintln(os.Stderr, "endpoint", strings.TrimPrefix(shared.Get(t).Endpoint, "http://"))
		select {} // until killed
	}
	var shared testserver.Shared
	defer shared.Close()
	shared.Get(t) // skips without the binary
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestDiesWithParent$", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), marker+"=1")
	output, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	address := ""
	for lines := bufio.NewScanner(output); address == "" && lines.Scan(); {
		_, address, _ = strings.Cut(lines.Text(), "endpoint ")
	}
	if !listening(ctx, address) {
		t.Errorf("the server does not answer on %q", address)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // "signal: killed"
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for listening(ctx, address) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("the server outlives the test binary")
		}
	}
}

func listening(ctx context.Context, address string) bool {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

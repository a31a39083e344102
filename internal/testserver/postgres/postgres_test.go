package postgres_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/s3dbgen/s3dbgen/internal/testserver/postgres"
)

func TestUpAndDown(t *testing.T) {
	var shared postgres.Shared
	defer shared.Close()
	server := shared.Get(t)
	for range 2 {
		if !answers(t, server.Address) {
			t.Fatal("the cluster does not answer when it is up")
		}
		server.Down()
		if answers(t, server.Address) {
			t.Fatal("the cluster answers when it is down")
		}
		if err := server.Up(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Dir(server.CA)
	shared.Close()
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is left: %v", dir, err)
	}
}

// answers asks for TLS, which a PostgreSQL server alone answers with a single S.
func answers(t *testing.T, address string) bool {
	t.Helper()
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", address)
	if err != nil {
		return false
	}
	defer conn.Close()
	if _, err := conn.Write([]byte{0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f}); err != nil {
		return false
	}
	var reply [1]byte
	_, err = conn.Read(reply[:])
	return err == nil && reply[0] == 'S'
}

// A cluster must not outlive a test binary that was killed. The test runs itself as
// the binary that is killed.
func TestDiesWithParent(t *testing.T) {
	const marker = "S3DB_TEST_HELPER"
	if os.Getenv(marker) != "" {
		var shared postgres.Shared
		server := shared.Get(t)
		fmt.Fprintln(os.Stderr, "address", server.Address, filepath.Dir(server.CA))
		select {} // until killed
	}
	var shared postgres.Shared
	defer shared.Close()
	shared.Get(t) // skips without the server
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDiesWithParent$", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), marker+"=1")
	output, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := ""
	for lines := bufio.NewScanner(output); line == "" && lines.Scan(); {
		_, line, _ = strings.Cut(lines.Text(), "address ")
	}
	address, dir, _ := strings.Cut(line, " ")
	defer func() { _ = os.RemoveAll(dir) }() // nobody else will
	if !answers(t, address) {
		t.Errorf("the cluster does not answer on %q", address)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // "signal: killed"
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.After(20 * time.Second)
	for answers(t, address) {
		select {
		case <-tick.C:
		case <-late:
			t.Fatal("the cluster outlives the test binary")
		}
	}
}

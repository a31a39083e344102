// Package postgres runs a private PostgreSQL cluster for tests.
//
// A test binary starts one, at its first use, and shares it:
//
//	var server postgres.Shared
//
//	func TestMain(m *testing.M) { defer server.Close(); m.Run() }
//
//	func TestX(t *testing.T) { s := server.Get(t); … s.Address … }
//
// It listens on the loopback interface alone, has the superuser "test" without a
// password, wants a password of the user "guarded" (tests create it), and offers TLS.
//
// S3DB_TEST_POSTGRES is the directory of initdb and postgres; else they are looked
// for on PATH, where Debian has them, and in .tools.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/s3dbgen/s3dbgen/internal/testserver/process"
)

// Shared is the one cluster of a test binary. The zero Shared is ready for use.
type Shared struct {
	shared process.Shared[*Server]
}

// Get returns the cluster and starts it when that has not happened yet. Without
// PostgreSQL the test is skipped, or fails under S3DB_TEST_REQUIRE_SERVERS=1.
func (s *Shared) Get(tb testing.TB) *Server {
	tb.Helper()
	return s.shared.Get(tb, Start)
}

// Close stops the cluster, if it was started.
func (s *Shared) Close() { s.shared.Close() }

// Server is a PostgreSQL cluster with an empty database "postgres".
type Server struct {
	Address string // 127.0.0.1:PORT
	CA      string // path of the certificate that its own is verified by, for sslrootcert

	binaries string
	dir      string
	owner    owner
	process  *process.Process // nil while it is down
}

// Start makes a cluster and starts it. An error matches exec.ErrNotFound when
// PostgreSQL is not installed.
func Start(ctx context.Context) (*Server, error) {
	binaries, err := find()
	if err != nil {
		return nil, err
	}
	return process.Retry(ctx, func(ctx context.Context) (*Server, error) {
		s := &Server{binaries: binaries}
		if err := s.create(ctx); err != nil {
			return nil, errors.Join(err, os.RemoveAll(s.dir))
		}
		if err := s.Up(ctx); err != nil {
			s.Stop()
			return nil, err
		}
		return s, nil
	})
}

// find returns the directory of PostgreSQL's programs.
func find() (string, error) {
	if dir := os.Getenv("S3DB_TEST_POSTGRES"); dir != "" {
		return dir, nil
	}
	var dirs []string
	if path, err := exec.LookPath("initdb"); err == nil {
		dirs = append(dirs, filepath.Dir(path))
	}
	debian, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	dirs = append(append(dirs, debian...), filepath.Join(process.Tools(), "postgres", "bin"))
	for _, dir := range dirs {
		if _, err := exec.LookPath(filepath.Join(dir, "postgres")); err == nil {
			return dir, nil
		}
	}
	return "", fmt.Errorf("testserver: %w: PostgreSQL; `make servers` installs it where npm or apt can", exec.ErrNotFound)
}

// create makes the directory of the cluster.
func (s *Server) create(ctx context.Context) (err error) {
	if s.Address, err = process.FreeAddress(ctx); err != nil {
		return err
	}
	if s.dir, err = os.MkdirTemp("", "s3dbgen-testserver-postgres-"); err != nil {
		return err
	}
	if s.owner, err = ownerOf(s.dir); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(s.binaries, "initdb"),
		"-D", s.data(), "-U", "test", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8")
	cmd.SysProcAttr = s.owner.become()
	cmd.Dir = s.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("testserver: initdb: %w\n%s", err, out)
	}
	hba := strings.Join([]string{
		"host all guarded 127.0.0.1/32 scram-sha-256",
		"host all test 127.0.0.1/32 trust",
	}, "\n")
	if err := os.WriteFile(filepath.Join(s.data(), "pg_hba.conf"), []byte(hba), 0o600); err != nil { // its owner stays
		return err
	}
	s.CA = filepath.Join(s.dir, "ca.pem")
	return certify(s.CA, filepath.Join(s.data(), "server.crt"), filepath.Join(s.data(), "server.key"), s.owner.give)
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// Up starts the cluster, new or taken down, on the same address.
func (s *Server) Up(ctx context.Context) error {
	_, port, err := net.SplitHostPort(s.Address)
	if err != nil {
		return err
	}
	s.process = process.Start(func(ctx context.Context) *exec.Cmd {
		cmd := exec.CommandContext(ctx, filepath.Join(s.binaries, "postgres"), "-D", s.data(),
			"-c", "listen_addresses=127.0.0.1", "-c", "port="+port, "-c", "unix_socket_directories=",
			"-c", "fsync=off", "-c", "full_page_writes=off", "-c", "ssl=on")
		cmd.SysProcAttr = s.owner.become()
		cmd.Dir = s.dir
		// Ends all processes of the cluster at once, as a crash does.
		cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGQUIT) }
		return cmd
	})
	err = s.process.Await(ctx, func(context.Context) error {
		// What pg_ctl waits for: the eighth line of this file.
		text, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
		if err != nil {
			return err
		}
		lines := strings.Split(string(text), "\n")
		if len(lines) < 8 || strings.TrimSpace(lines[7]) != "ready" {
			return errors.New("the cluster is not ready")
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("testserver: postgres: %w", err)
	}
	return nil
}

// Down ends the cluster without warning, as a crash does, and keeps what it has
// committed.
func (s *Server) Down() {
	if s.process != nil {
		s.process.Stop()
		s.process = nil
	}
}

// Stop ends the cluster and removes it.
func (s *Server) Stop() {
	s.Down()
	_ = os.RemoveAll(s.dir) // left behind, it is one more directory in the temporary one
}

// URL returns the connection string of the superuser for a database.
func (s *Server) URL(database string) string {
	return "postgres://test@" + s.Address + "/" + database + "?sslmode=disable"
}

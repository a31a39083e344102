package postgres_test

import (
	"net"
	"os"
	"path/filepath"
	"testing"

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
